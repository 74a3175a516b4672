-- Forgets entries that were relayed.
-- KEYS[1]: the list of entries, oldest first. KEYS[2]: how many were relayed.
-- ARGV[2]: the position of the last of them. ARGV[3]: at most so many go at once.
-- Returns how many are left to be forgotten.
local relayed = tonumber(redis.call('GET', KEYS[2]) or '0')
local there = math.min(tonumber(ARGV[2]) - relayed, redis.call('LLEN', KEYS[1]))
if there <= 0 then return 0 end
local now_going = math.min(there, tonumber(ARGV[3]))
redis.call('LTRIM', KEYS[1], now_going, -1)
redis.call('INCRBY', KEYS[2], now_going)
return there - now_going
