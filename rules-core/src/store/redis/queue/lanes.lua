-- What the scripts of the queue share: where things lie, who takes part in the races, and how a
-- lane opens, fills and is forgotten.
-- KEYS[1]: the key of the queue; all others begin with it.
-- A lane is tenant, outlet and topic with '\31' between them; its outlet and its tenant are the
-- beginnings of that.
local call, key = redis.call, KEYS[1]

local function parts(lane)
  return string.match(lane, '^[^\31]*'), string.match(lane, '^[^\31]*\31[^\31]*')
end

-- A command with many arguments, some at a time.
local function each_slice(list, command, name)
  for from = 1, #list, 1000 do
    call(command, name, unpack(list, from, math.min(from + 999, #list)))
  end
end

-- Lets a tenant race for the next lease, or keeps it out, as its work and its holds say.
local function seat_tenant(tenant)
  local works = call('EXISTS', key .. ':outlets:' .. tenant) == 1
  if works and call('HEXISTS', key .. ':holds', tenant) == 0 then
    call('ZADD', key .. ':race', call('HGET', key .. ':tenant:' .. tenant, 'v'), tenant)
  else
    call('ZREM', key .. ':race', tenant)
  end
end

-- The same for an outlet among those of its tenant: it stands where its first lane stands.
local function seat_outlet(tenant, outlet)
  local head = call('ZRANGE', key .. ':ready:' .. outlet, 0, 0, 'WITHSCORES')
  if head[1] and call('HEXISTS', key .. ':holds', outlet) == 0 then
    call('ZADD', key .. ':outlets:' .. tenant, head[2], outlet)
  else
    call('ZREM', key .. ':outlets:' .. tenant, outlet)
  end
  seat_tenant(tenant)
end

-- The same for a lane among those of its outlet.
local function seat_lane(lane)
  local tenant, outlet = parts(lane)
  local state = call('HMGET', key .. ':lane:' .. lane, 'w', 'v')
  local works = tonumber(state[1] or 0) > 0
  if works and call('HEXISTS', key .. ':holds', lane) == 0 then
    call('ZADD', key .. ':ready:' .. outlet, state[2], lane)
  else
    call('ZREM', key .. ':ready:' .. outlet, lane)
  end
  seat_outlet(tenant, outlet)
end

-- Opens a lane that holds nothing yet. A tenant that stood ahead of the others when it left comes
-- back to where it stood.
local function open_lane(lane)
  local tenant = parts(lane)
  call('ZADD', key .. ':lanes', 0, lane)
  call('HSET', key .. ':lane:' .. lane, 'w', 0, 'v', 0)
  local weight = call('HMGET', key .. ':weights', lane, tenant)
  if weight[1] then call('HSET', key .. ':lane:' .. lane, 'k', weight[1]) end
  if call('HINCRBY', key .. ':tenant:' .. tenant, 'n', 1) == 1 then
    local stood = call('ZSCORE', key .. ':idle', tenant)
    call('HSET', key .. ':tenant:' .. tenant, 'v', stood or 0, 'f', 0)
    if stood then call('ZREM', key .. ':idle', tenant) end
    if weight[2] then call('HSET', key .. ':tenant:' .. tenant, 'k', weight[2]) end
  end
end

-- Forgets a lane if nothing is left of it, and with the last of them everything.
local function forget_lane(lane)
  local left = call('HMGET', key .. ':lane:' .. lane, 'w', 'd', 'l')
  if not left[1] or left[1] + (left[2] or 0) + (left[3] or 0) > 0 then return end
  local tenant = parts(lane)
  call('DEL', key .. ':lane:' .. lane)
  call('ZREM', key .. ':lanes', lane)
  if call('HINCRBY', key .. ':tenant:' .. tenant, 'n', -1) == 0 then
    local stands = call('HGET', key .. ':tenant:' .. tenant, 'v')
    if tonumber(stands) > tonumber(call('HGET', key, 'floor') or 0) then
      call('ZADD', key .. ':idle', stands, tenant)
    end
    call('DEL', key .. ':tenant:' .. tenant)
  end
  if call('EXISTS', key .. ':lanes') == 0 then
    call('UNLINK', key, key .. ':idle')
  end
end

-- More records wait in an open lane.
local function fill_lane(lane, records)
  call('HINCRBY', key, 'depth', records)
  if call('HINCRBY', key .. ':lane:' .. lane, 'w', records) == records then seat_lane(lane) end
end

-- A chunk of an open lane waits until its instant. The number before it keeps chunks apart and in
-- the order in which they came.
local function delay(lane, due, chunk, records)
  local number = struct.pack('>I8', call('HINCRBY', key, 'delays', 1))
  call('ZADD', key .. ':later:' .. lane, due, number .. chunk)
  call('ZADD', key .. ':due', 'LT', due, lane)
  call('HINCRBY', key .. ':lane:' .. lane, 'd', records)
  call('HINCRBY', key, 'depth', records)
end

-- The same for whatever a hold is on.
local function seat(on)
  local tenant, outlet = parts(on)
  if not outlet then
    seat_tenant(tenant)
  elseif outlet == on then
    seat_outlet(tenant, outlet)
  else
    seat_lane(on)
  end
end

-- Ends a hold.
local function release(on)
  call('HDEL', key .. ':holds', on)
  call('ZREM', key .. ':ends', on)
  seat(on)
end
