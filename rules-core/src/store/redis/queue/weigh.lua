-- Sets shares of the work.
-- ARGV: of each a tenant or a lane, and its weight; 1 forgets it.
for at = 2, #ARGV, 2 do
  local on, weight = ARGV[at], ARGV[at + 1]
  local _, outlet = parts(on)
  local state = key .. (outlet and ':lane:' or ':tenant:') .. on
  if weight == '1' then
    call('HDEL', key .. ':weights', on)
    call('HDEL', state, 'k')
  else
    call('HSET', key .. ':weights', on, weight)
    if call('EXISTS', state) == 1 then call('HSET', state, 'k', weight) end
  end
end
