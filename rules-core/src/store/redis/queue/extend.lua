-- Moves the deadlines of live leases.
-- ARGV[2]: microseconds from now; then the tokens.
-- Returns of each the new deadline, or -1 when it is gone.
local leases, until_us = KEYS[1] .. ':leases', now + tonumber(ARGV[2])
local answers = {}
for at = 3, #ARGV do
  local deadline = tonumber(redis.call('ZSCORE', leases, ARGV[at]) or nil)
  if deadline and now < deadline then
    redis.call('ZADD', leases, until_us, ARGV[at])
    answers[#answers + 1] = until_us
  else
    answers[#answers + 1] = -1
  end
end
return answers
