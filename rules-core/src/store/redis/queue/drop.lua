-- Removes records that wait in a lane, then delayed ones.
-- ARGV[2]: the lane; ARGV[3]: how many at most.
-- Returns how many were removed, and how many are left.
local lane, max = ARGV[2], tonumber(ARGV[3])
local state = call('HMGET', key .. ':lane:' .. lane, 'w', 'd')
if not state[1] then return { 0, 0 } end
local waiting, delayed = tonumber(state[1]), tonumber(state[2] or 0)

-- What is left of a chunk without its first records.
local function rest_of(chunk, records)
  local history = history_of(chunk)
  local at = history.at
  for _ = 1, records do
    local _, after = payload_of(chunk, at)
    at = after
  end
  return chunk_of(history, history.records - records, sub(chunk, at))
end

local left = math.min(max, waiting)
local dropped = left
while left > 0 do
  local chunk = call('LPOP', key .. ':wait:' .. lane)
  if not chunk then break end
  if byte(chunk) > left then
    call('LPUSH', key .. ':wait:' .. lane, rest_of(chunk, left))
  end
  left = left - math.min(left, byte(chunk))
end

local later = math.min(max - dropped, delayed)
left = later
while left > 0 do
  local first = call('ZPOPMIN', key .. ':later:' .. lane)
  if not first[1] then break end
  local chunk = sub(first[1], 9)
  if byte(chunk) > left then
    call('ZADD', key .. ':later:' .. lane, first[2], sub(first[1], 1, 8) .. rest_of(chunk, left))
  end
  left = left - math.min(left, byte(chunk))
end
if later > 0 then
  local due = call('ZRANGE', key .. ':later:' .. lane, 0, 0, 'WITHSCORES')[2]
  if due then
    call('ZADD', key .. ':due', due, lane)
  else
    call('ZREM', key .. ':due', lane)
  end
end

if dropped + later > 0 then
  call('HINCRBY', key, 'depth', -dropped - later)
  call('HSET', key .. ':lane:' .. lane, 'w', waiting - dropped, 'd', delayed - later)
  if dropped > 0 and dropped == waiting then seat_lane(lane) end
  forget_lane(lane)
end
return { dropped + later, waiting + delayed - dropped - later }
