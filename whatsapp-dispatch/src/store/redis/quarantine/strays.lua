-- Reads changes that are kept, in the order in which they came.
-- KEYS, by id of each change: [1] its number, [2] when it came, [3] what it is.
-- ARGV[2]: those behind this number. ARGV[3]: at most so many.
-- Returns number, instant and text of each.
local ids = redis.call('ZRANGE', KEYS[1], '(' .. ARGV[2], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[3])
local answer = {}
for _, id in ipairs(ids) do
  table.insert(answer, redis.call('ZSCORE', KEYS[1], id))
  table.insert(answer, redis.call('ZSCORE', KEYS[2], id))
  table.insert(answer, redis.call('HGET', KEYS[3], id))
end
return answer
