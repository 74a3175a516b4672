-- Keeps changes of webhooks that could not be given to anybody.
-- KEYS, by id of each change: [1] its number, [2] when it came, [3] what it is; [4]: the number
-- given last. ARGV[2]: for so many microseconds they are kept, ARGV[3]: so many at most; then id
-- and text of each.
-- Returns how many of them are new.
local kept_us, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local last, new = tonumber(redis.call('GET', KEYS[4]) or '0'), 0
for i = 4, #ARGV, 2 do
  local came = redis.call('ZSCORE', KEYS[2], ARGV[i])
  if not came or tonumber(came) + kept_us <= now then
    last, new = last + 1, new + 1
    redis.call('ZADD', KEYS[1], last, ARGV[i])
    redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[i])
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
if new > 0 then redis.call('SET', KEYS[4], string.format('%.0f', last)) end

local function forget(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
  end
end
-- A few more than were added, so that the surplus shrinks.
local room = new + 32
local surplus = math.min(redis.call('ZCARD', KEYS[1]) - most, room)
if surplus > 0 then forget(redis.call('ZRANGE', KEYS[1], 0, surplus - 1)) end
local old = string.format('%.0f', now - kept_us)
forget(redis.call('ZRANGE', KEYS[2], '-inf', old, 'BYSCORE', 'LIMIT', 0, room))

-- If nobody ever comes again, all of it goes by itself.
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], string.format('%.0f', kept_us / 1000)) end
return new
