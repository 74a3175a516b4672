-- Adds parcels, each whole or not at all.
-- ARGV[2]: records that may wait; then of each parcel: batch id, lane, instant, how many records,
-- how many chunks, the chunks.
-- Returns of each parcel: -1 when it was added, -2 when it was known, else the depth of a queue that
-- is full.
local SHARDS = 64

local high_water = tonumber(ARGV[2])
local hour = math.floor(now / 3600000000)

-- The hash that knows a batch id added in that hour.
local function batches(batch, added)
  return key .. ':batches:' .. added .. ':' .. string.byte(batch, 16) % SHARDS
end

local function is_known(batch)
  for added = hour, hour - 1, -1 do
    local ends = call('HGET', batches(batch, added), batch)
    if ends and now < tonumber(ends) then return true end
  end
end

local function add(name, due, records, from, to)
  local lane, chunks = open_lane(name), slim(ARGV, from, to)
  if now < due then
    for _, chunk in ipairs(chunks) do
      delay(lane, due, chunk, string.byte(chunk))
    end
    return
  end
  each_slice(chunks, 'RPUSH', key .. ':wait:' .. name)
  fill(lane, records)
end

local answers = {}
local at, last = 3, #ARGV
while at <= last do
  local batch, lane, due = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local records, chunks = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local answer = -1
  if is_known(batch) then
    answer = -2
  elseif queue.depth + records > high_water then
    answer = queue.depth
  else
    call('HSET', batches(batch, hour), batch, now + 3600000000)
    call('EXPIRE', batches(batch, hour), 7200, 'NX')
    if chunks > 0 then add(lane, due, records, at + 5, at + 4 + chunks) end
  end
  answers[#answers + 1] = answer
  at = at + 5 + chunks
end
save()
return answers
