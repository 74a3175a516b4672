-- Stands before every script. ARGV[1] is the instant in microseconds that counts, or 0 for the
-- server's own.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
