-- Looks at some lanes in which records wait, in order, and at leases.
-- ARGV[2]: the lane behind which to begin, or nothing; ARGV[3]: how many lanes, ARGV[4]: how many
-- leases.
-- Returns the lanes, each as its name, records waiting and delayed, and the holds on it, its outlet
-- and its tenant; the texts of the leases.
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found, texts = {}, {}
local names = call('ZRANGE', key .. ':names', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[3])
learn_lanes(names)
for at, name in ipairs(names) do
  local tenant, outlet = parts(name)
  local lane = lanes[name]
  local holds = call('HMGET', key .. ':holds', name, outlet, tenant)
  found[at] = { name, lane.waiting, lane.delayed, holds[1], holds[2], holds[3] }
end
for at, token in ipairs(call('ZRANGE', key .. ':leases', 0, ARGV[4] - 1)) do
  texts[at] = call('GET', key .. ':lease:' .. token)
end
return { found, texts }
