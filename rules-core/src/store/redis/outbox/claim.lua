-- Gives the relay to one holder at a time.
-- KEYS[1]: who has it: until when in microseconds, a space, and the holder.
-- ARGV[2]: who wants it. ARGV[3]: for so many milliseconds; 0 gives it up.
-- Returns 1 when the holder has it, 0 when another one has.
local found = redis.call('GET', KEYS[1])
if found then
  local ends, holder = string.match(found, '^(%d+) (.*)$')
  if holder ~= ARGV[2] and now < tonumber(ends) then return 0 end
end
local ttl = tonumber(ARGV[3])
if ttl > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + ttl * 1000) .. ' ' .. ARGV[2], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
