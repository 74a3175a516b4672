-- Takes units from meters.
--
-- KEYS[1]: what the keys of quota begin with. `:meter:` and a meter's address is a hash of the
-- window that was opened last, from `s` to `e`, and of the units used in it, `u`; `:charge:` and
-- a charge's id is a hash of what was granted (`u`), which meter allowed least (`x`, with its
-- limit `l` and its end `t`), and of every window that was charged (`m1`, `m2`, ...).
--
-- ARGV[2]: how many meters; each is an address, start and end of its window as it is to be
-- opened, when the next one begins, when its charges are forgotten, and the limit. Then charges:
-- an id, units, `whole` or `prefix`, how many meters, and which. Instants are in microseconds, an
-- empty one is never.
--
-- The windows were computed from what the caller knew. Where a meter has another one open, the
-- charge and all behind it are left alone, and the last answer tells what there is.
--
-- Returns for each charge the units, which meter allowed least or nil, its limit and its end; the
-- last answer may be `look`, the instant that counts, and start and end of each meter's window.

-- As far as numbers are exact here.
local MOST = 9007199254740992

local function micros(text)
  return text == '' and math.huge or tonumber(text)
end

local function expire(key, instant)
  if instant ~= math.huge then
    redis.call('PEXPIRE', key, string.format('%.0f', math.max(math.ceil((instant - now) / 1000), 1)))
  end
end

local meters, at = {}, 3
for index = 1, tonumber(ARGV[2]) do
  meters[index] = {
    address = ARGV[at],
    key = KEYS[1] .. ':meter:' .. ARGV[at],
    opens = ARGV[at + 1],
    closes = ARGV[at + 2],
    resets = ARGV[at + 3],
    forget = micros(ARGV[at + 4]),
    limit = ARGV[at + 5],
  }
  at = at + 6
end

-- The units used in the meter's window, or nil when another window counts.
local function used_of(meter, found)
  if now >= micros(meter.resets) then return nil end
  if found[1] == meter.opens and found[2] == meter.closes then return tonumber(found[3]) end
  local is_over = not found[1] or micros(found[2]) <= tonumber(meter.opens)
  return is_over and tonumber(meter.opens) <= now and 0 or nil
end

-- The readings of the meters of the charge that begins at ARGV[at], or nil and what there is.
local function readings_of(at)
  local look, readings, is_known = { 'look', now }, {}, true
  for index = 1, tonumber(ARGV[at + 3]) do
    local meter = meters[tonumber(ARGV[at + 3 + index])]
    local found = redis.call('HMGET', meter.key, 's', 'e', 'u')
    local used = used_of(meter, found)
    look[#look + 1], look[#look + 2] = found[1], found[2]
    readings[index] = { meter = meter, used = used }
    is_known = is_known and used
  end
  if is_known then return readings end
  return nil, look
end

-- Which reading allows least, and how much; of several the one that resets last.
local function least_of(readings)
  local least, least_left
  for index, reading in ipairs(readings) do
    local left = math.max(math.min(tonumber(reading.meter.limit), MOST) - reading.used, 0)
    local resets = micros(reading.meter.resets)
    if not least or left < least_left
      or (left == least_left and resets > micros(readings[least].meter.resets)) then
      least, least_left = index, left
    end
  end
  return least, least_left
end

local function take(charge, readings, granted, answer)
  local fields, charged, forget = { 'u', answer[1] }, {}, 0
  if answer[2] then
    fields = { 'u', answer[1], 'x', answer[2], 'l', answer[3], 't', answer[4] }
  end
  local windows = 0
  for _, reading in ipairs(readings) do
    local meter = reading.meter
    if not charged[meter.key] then
      charged[meter.key], windows = true, windows + 1
      redis.call('HSET', meter.key, 's', meter.opens, 'e', meter.closes,
        'u', string.format('%.0f', reading.used + granted))
      expire(meter.key, meter.forget)
      fields[#fields + 1] = 'm' .. windows
      fields[#fields + 1] = meter.opens .. ' ' .. meter.address
      forget = math.max(forget, meter.forget)
    end
  end
  redis.call('HSET', charge, unpack(fields))
  expire(charge, forget)
end

local answers = {}
while at <= #ARGV do
  local charge = KEYS[1] .. ':charge:' .. ARGV[at]
  local answer = redis.call('HMGET', charge, 'u', 'x', 'l', 't')
  if not answer[1] then
    local readings, look = readings_of(at)
    if not readings then
      answers[#answers + 1] = look
      return answers
    end
    local granted = tonumber(ARGV[at + 1])
    local least, left = least_of(readings)
    if left and left < granted then
      granted = ARGV[at + 2] == 'prefix' and left or 0
      local meter = readings[least].meter
      answer = { false, tostring(least), meter.limit, meter.resets }
    end
    answer[1] = string.format('%.0f', granted)
    if granted > 0 then take(charge, readings, granted, answer) end
  end
  answers[#answers + 1] = answer
  at = at + 4 + tonumber(ARGV[at + 3])
end
return answers
