-- Looks at some lanes that hold records, in order.
-- ARGV[2]: the lane behind which to begin, or nothing; ARGV[3]: how many lanes, ARGV[4]: how many
-- leases.
-- Returns the lanes, each as its name, records waiting and delayed, live leases that hold some, and
-- the holds on it, its outlet and its tenant; the texts of leases, if any lane is in one.
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found, leased = {}, false
for _, lane in ipairs(call('ZRANGE', key .. ':lanes', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[3])) do
  local tenant, outlet = parts(lane)
  local state = call('HMGET', key .. ':lane:' .. lane, 'w', 'd', 'l')
  local holds = call('HMGET', key .. ':holds', lane, outlet, tenant)
  leased = leased or tonumber(state[3] or 0) > 0
  found[#found + 1] = { lane, state[1], state[2] or 0, state[3] or 0, holds[1], holds[2], holds[3] }
end
local texts = {}
if leased then
  for _, token in ipairs(call('ZRANGE', key .. ':leases', 0, ARGV[4] - 1)) do
    texts[#texts + 1] = call('GET', key .. ':lease:' .. token)
  end
end
return { found, texts }
