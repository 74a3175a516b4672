-- Reads the oldest entries.
-- KEYS[1]: the list of entries, oldest first. KEYS[2]: how many were relayed before them.
-- ARGV[2]: only entries behind this position. ARGV[3]: at most so many.
-- Returns the position of the first, then the entries.
local relayed = tonumber(redis.call('GET', KEYS[2]) or '0')
local from = math.max(tonumber(ARGV[2]) - relayed, 0)
local entries = redis.call('LRANGE', KEYS[1], from, from + ARGV[3] - 1)
table.insert(entries, 1, relayed + from + 1)
return entries
