-- Forgets changes that were kept long enough.
-- KEYS, by id of each change: [1] its number, [2] when it came, [3] what it is.
-- ARGV[2]: for so many microseconds they are kept. ARGV[3]: at most so many go.
-- Returns how many went.
local old = string.format('%.0f', now - tonumber(ARGV[2]))
local ids = redis.call('ZRANGE', KEYS[2], '-inf', old, 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
return #ids
