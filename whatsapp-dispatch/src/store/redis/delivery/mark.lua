-- Notes up to which batch a campaign is queued; what is noted never falls.
-- KEYS[1]: the campaign. ARGV[2]: its tenant; ARGV[3]: how many batches.
local known = redis.call('HMGET', KEYS[1], 'tenant', 'queued')
if known[1] == ARGV[2] and tonumber(known[2] or 0) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'queued', ARGV[3])
end
