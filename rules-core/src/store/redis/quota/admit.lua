-- Counts members of crowds.
--
-- KEYS[1]: what the keys of crowds begin with. `:members:` and a crowd's address is a sorted set
-- of its members by the instant of their last admission; `:by:` and the address is a hash of each
-- member's last admission: its id in 16 bytes, then the instant of the one before, if it counted
-- then. `:admitted:` and a parcel is a hash from the id of an admission to its member in 16 bytes
-- and the crowd's address, so that an admission can be undone by its id alone. A parcel holds what
-- was admitted in a sixteenth of the crowd's length and goes as a whole; `:admitted` is a sorted
-- set of the parcels by the instant at which they may go.
--
-- ARGV[2]: how many crowds; each is an address, how long a member counts in microseconds, and the
-- limit. Then admissions: which crowd, the id and the member, in 16 bytes each.
--
-- Returns for each admission 0 when the member counts; else the instant of the admission of whom
-- must leave before there is room, or -1.

-- So many whose time is over are let go from each crowd by one call.
local LEAVE_AT_ONCE = 500
local PARCELS = 16
local PARCELS_AT_ONCE = 4

-- So many words one command takes.
local WORDS_AT_ONCE = 1000

local directory = KEYS[1] .. ':admitted'

local function text(number)
  return string.format('%.0f', number)
end

local function let_leave(crowd)
  local left = redis.call('ZRANGE', crowd.members, '-inf', crowd.gone, 'BYSCORE', 'LIMIT', 0, LEAVE_AT_ONCE)
  if #left > 0 then
    redis.call('ZREM', crowd.members, unpack(left))
    redis.call('HDEL', crowd.by, unpack(left))
  end
end

local function opened(address, within)
  local span = math.max(math.ceil(within / PARCELS), 1)
  local parcel = math.floor(now / span)
  local crowd = {
    address = address,
    members = KEYS[1] .. ':members:' .. address,
    by = KEYS[1] .. ':by:' .. address,
    gone = text(now - within),
    goes = now + within,
    parcel = text(span) .. '.' .. text(parcel),
    parcel_goes = (parcel + 1) * span + within,
    -- What this call does: by which admission a member is in, and what is to be written.
    placed = {}, scores = {}, lasts = {}, places = {},
  }
  let_leave(crowd)
  -- Whether or not all whose time is over have been let go.
  crowd.count = redis.call('ZCARD', crowd.members) - redis.call('ZCOUNT', crowd.members, '-inf', crowd.gone)
  return crowd
end

-- By which admission the member is in, and since when; nil when it does not count.
local function place_of(crowd, member)
  if crowd.placed[member] then return crowd.placed[member], text(now) end
  local score = redis.call('ZSCORE', crowd.members, member)
  if not score or tonumber(score) <= tonumber(crowd.gone) then return nil end
  return string.sub(redis.call('HGET', crowd.by, member) or '', 1, 16), score
end

local function write_all(command, key, words)
  for from = 1, #words, WORDS_AT_ONCE do
    redis.call(command, key, unpack(words, from, math.min(from + WORDS_AT_ONCE - 1, #words)))
  end
end

local function write(crowd)
  write_all('ZADD', crowd.members, crowd.scores)
  write_all('HSET', crowd.by, crowd.lasts)
  write_all('HSET', directory .. ':' .. crowd.parcel, crowd.places)
  crowd.is_changed = crowd.is_changed or #crowd.scores > 0
  crowd.scores, crowd.lasts, crowd.places = {}, {}, {}
end

local function push(words, first, second)
  words[#words + 1] = first
  words[#words + 1] = second
end

local function admit(crowd, limit, id, member)
  local last, score = place_of(crowd, member)
  if last == id then return 0 end
  if not last then
    if limit <= crowd.count then
      write(crowd)
      -- When the limit has shrunk, so many must leave before there is room.
      local place = text(redis.call('ZCARD', crowd.members) - limit)
      return redis.call('ZRANGE', crowd.members, place, place, 'WITHSCORES')[2] or -1
    end
    crowd.count = crowd.count + 1
  end
  crowd.placed[member] = id
  push(crowd.scores, text(now), member)
  push(crowd.lasts, member, id .. (score or ''))
  push(crowd.places, id, member .. crowd.address)
  return 0
end

local crowds, limits, by_address, at = {}, {}, {}, 3
for index = 1, tonumber(ARGV[2]) do
  local address = ARGV[at]
  by_address[address] = by_address[address] or opened(address, tonumber(ARGV[at + 1]))
  crowds[index], limits[index] = by_address[address], tonumber(ARGV[at + 2])
  at = at + 3
end

local answers = {}
while at <= #ARGV do
  local index = tonumber(ARGV[at])
  answers[#answers + 1] = admit(crowds[index], limits[index], ARGV[at + 1], ARGV[at + 2])
  at = at + 3
end

-- Keys go by themselves, a minute after a call would have let them go.
local function expire(key, instant)
  redis.call('PEXPIRE', key, text(math.max(math.ceil((tonumber(instant) - now) / 1000), 0) + 60000))
end

for _, crowd in pairs(by_address) do
  write(crowd)
  if crowd.is_changed then
    expire(crowd.members, crowd.goes)
    expire(crowd.by, crowd.goes)
    expire(directory .. ':' .. crowd.parcel, crowd.parcel_goes)
    redis.call('ZADD', directory, text(crowd.parcel_goes), crowd.parcel)
  end
end
local gone = redis.call('ZRANGE', directory, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, PARCELS_AT_ONCE)
for _, parcel in ipairs(gone) do
  redis.call('ZREM', directory, parcel)
  redis.call('UNLINK', directory .. ':' .. parcel)
end
local newest = redis.call('ZRANGE', directory, -1, -1, 'WITHSCORES')
if newest[2] then expire(directory, newest[2]) end
return answers
