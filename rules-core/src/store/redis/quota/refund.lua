-- Gives units back to the windows that were charged, and undoes admissions.
--
-- KEYS[1]: what the keys of quota begin with (charge.lua). A charge's hash also holds what came
-- back, `b`, and a field `r` with the id of every refund.
-- KEYS[2]: what the keys of crowds begin with (admit.lua).
-- ARGV: refunds, each the id of a charge or an admission, the same id in 16 bytes, its own id, and
-- units.
-- Returns 1.

-- Who was put back by a refund is nobody's admission.
local NOBODY = string.rep('\0', 16)
-- More parcels than crowds of several lengths have.
local MOST_PARCELS = 256

local function give_back(charge, granted, refund, units)
  local left = granted - (tonumber(redis.call('HGET', charge, 'b')) or 0)
  -- When nothing is left, nothing more is given back, whatever its id.
  if left <= 0 or redis.call('HSETNX', charge, 'r' .. refund, '') == 0 then return end
  if units <= 0 then return end
  units = string.format('%.0f', math.min(units, left))
  redis.call('HINCRBY', charge, 'b', units)
  for index = 1, redis.call('HLEN', charge) do
    local window = redis.call('HGET', charge, 'm' .. index)
    if not window then return end
    local opens, address = string.match(window, '^(%S+) (.*)$')
    local meter = KEYS[1] .. ':meter:' .. address
    if redis.call('HGET', meter, 's') == opens then
      redis.call('HINCRBY', meter, 'u', '-' .. units)
    end
  end
end

local parcels
local function undo(id)
  parcels = parcels or redis.call('ZREVRANGE', KEYS[2] .. ':admitted', 0, MOST_PARCELS - 1)
  for _, parcel in ipairs(parcels) do
    local admitted = KEYS[2] .. ':admitted:' .. parcel
    local place = redis.call('HGET', admitted, id)
    if place then
      redis.call('HDEL', admitted, id)
      local member, address = string.sub(place, 1, 16), string.sub(place, 17)
      local members, by = KEYS[2] .. ':members:' .. address, KEYS[2] .. ':by:' .. address
      local last = redis.call('HGET', by, member)
      if not last or string.sub(last, 1, 16) ~= id then return end
      if #last > 16 then
        redis.call('ZADD', members, 'XX', string.sub(last, 17), member)
        redis.call('HSET', by, member, NOBODY)
      else
        redis.call('ZREM', members, member)
        redis.call('HDEL', by, member)
      end
      return
    end
  end
end

for at = 2, #ARGV, 4 do
  local charge = KEYS[1] .. ':charge:' .. ARGV[at]
  local granted = redis.call('HGET', charge, 'u')
  if granted then
    give_back(charge, tonumber(granted), ARGV[at + 2], tonumber(ARGV[at + 3]))
  else
    undo(ARGV[at + 1])
  end
end
return 1
