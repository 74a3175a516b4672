-- Looks at some lanes that hold records, in order.
-- ARGV[2]: the lane behind which to begin, or nothing; ARGV[3]: how many lanes, ARGV[4]: how many
-- leases.
-- Returns the lanes, each as its name, records waiting and delayed, and the holds on it, its outlet
-- and its tenant; the texts of leases, if any lane is in one.
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found, leased, texts = {}, false, {}
local names = call('ZRANGE', key .. ':names', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[3])
learn_lanes(names)
for _, name in ipairs(names) do
  local tenant, outlet = parts(name)
  local lane = lanes[name]
  local holds = call('HMGET', key .. ':holds', name, outlet, tenant)
  leased = leased or lane.leases > 0
  found[#found + 1] = { name, lane.waiting, lane.delayed, holds[1], holds[2], holds[3] }
end
if leased then
  for _, token in ipairs(call('ZRANGE', key .. ':leases', 0, ARGV[4] - 1)) do
    texts[#texts + 1] = call('GET', key .. ':lease:' .. token)
  end
end
return { found, texts }
