-- Keeps lanes, outlets and tenants from being leased; of two holds on one the longer stays.
-- ARGV: of each what it is on, its end or '-', its code.
for at = 2, #ARGV, 3 do
  local on, ends, code = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local stays = call('HGET', key .. ':holds', on)
  stays = stays and string.match(stays, '^%S+')
  if not stays or stays ~= '-' and (ends == '-' or tonumber(stays) < tonumber(ends)) then
    call('HSET', key .. ':holds', on, ends .. ' ' .. code)
    if ends == '-' then
      call('ZREM', key .. ':ends', on)
    else
      call('ZADD', key .. ':ends', ends, on)
    end
  end
  seat(on)
end
save()
