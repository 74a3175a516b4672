-- Removes records that wait in a lane, then delayed ones.
-- ARGV[2]: the lane; ARGV[3]: how many at most.
-- Returns how many were removed, and how many are left.
local name, max = ARGV[2], tonumber(ARGV[3])
local lane = lane_of(name)
if not lane then return { 0, 0 } end

-- What is left of a chunk without its first records.
local function rest_of(slimmed, records)
  local chunk = whole(slimmed)
  local history = history_of(chunk)
  local at = history.at
  for _ = 1, records do
    local _, after = payload_of(chunk, at)
    at = after
  end
  return slim({ chunk_of(history, history.records - records, sub(chunk, at)) }, 1, 1)[1]
end

local gone = {}
local left = math.min(max, lane.waiting)
local dropped = left
while left > 0 do
  local chunk = call('LPOP', key .. ':wait:' .. name)
  if not chunk then break end
  if byte(chunk) > left then
    call('LPUSH', key .. ':wait:' .. name, rest_of(chunk, left))
  end
  gone[#gone + 1] = chunk
  left = left - math.min(left, byte(chunk))
end

local later = math.min(max - dropped, lane.delayed)
left = later
while left > 0 do
  local first = call('ZPOPMIN', key .. ':later:' .. name)
  if not first[1] then break end
  local chunk = sub(first[1], 9)
  if byte(chunk) > left then
    call('ZADD', key .. ':later:' .. name, first[2], sub(first[1], 1, 8) .. rest_of(chunk, left))
  end
  gone[#gone + 1] = chunk
  left = left - math.min(left, byte(chunk))
end
forget(gone)
if later > 0 then
  place(':due', call('ZRANGE', key .. ':later:' .. name, 0, 0, 'WITHSCORES')[2], name)
end

if dropped + later > 0 then
  queue.depth, queue.changed = queue.depth - dropped - later, true
  lane.waiting, lane.delayed, lane.changed = lane.waiting - dropped, lane.delayed - later, true
  if lane.waiting == 0 then seat(name) end
  save()
end
return { dropped + later, lane.waiting + lane.delayed }
