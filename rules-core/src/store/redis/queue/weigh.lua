-- Sets shares of the work.
-- ARGV: of each a tenant or a lane, and its weight; 1 forgets it.
for at = 2, #ARGV, 2 do
  local on, weight = ARGV[at], tonumber(ARGV[at + 1])
  local tenant, outlet = parts(on)
  local state = outlet and lane_of(on) or not outlet and tenant_of(tenant)
  if state then state.weight, state.changed = weight, true end
  if weight == 1 then
    call('HDEL', key .. ':weights', on)
  else
    call('HSET', key .. ':weights', on, weight)
  end
end
save()
