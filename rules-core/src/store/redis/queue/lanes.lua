-- What the scripts of the queue share: where things lie, who takes part in the races, and how a
-- lane opens, fills and is forgotten.
-- KEYS[1]: the key of the queue; all others begin with it.
-- A lane is tenant, outlet and topic with '\31' between them; its outlet and its tenant are the
-- beginnings of that.
local call, key = redis.call, KEYS[1]

local function parts(name)
  return string.match(name, '^[^\31]*'), string.match(name, '^[^\31]*\31[^\31]*')
end

local function outlet_of(name)
  return string.match(name, '^[^\31]*\31[^\31]*')
end

-- A command with many arguments, some at a time.
local function each_slice(list, command, set)
  for from = 1, #list, 1000 do
    call(command, set, unpack(list, from, math.min(from + 999, #list)))
  end
end

-- What was read so far, by name; `save` writes back what has changed.
local lanes, tenants = {}, {}
local queue = call('HMGET', key, 'floor', 'depth')
queue = { floor = tonumber(queue[1] or 0), depth = tonumber(queue[2] or 0) }
-- True when the outlets with work are others than before; when the first lane was opened.
local opened, begun = false, false
-- Redis searches a small set or hash from its beginning, unless something in it is as long as this:
-- then it is a tree or a table for as long as it lives.
local LONG = string.rep('\0', 65)

-- Reads what was not read yet.
local function learn(known, set, names, read)
  for from = 1, #names, 1000 do
    local packed = call('HMGET', key .. set, unpack(names, from, math.min(from + 999, #names)))
    for at = 1, #packed do
      local name = names[from + at - 1]
      if known[name] == nil then known[name] = packed[at] and read(name, packed[at]) end
    end
  end
end

-- A lane is stored as records waiting and delayed, virtual time, weight.
local function read_lane(name, packed)
  local waiting, delayed, v, weight = struct.unpack('<dddd', packed)
  return {
    name = name, waiting = waiting, delayed = delayed, v = v, weight = weight,
    changed = false, number = false, moved = false,
  }
end

-- A tenant is stored as virtual time, floor of the race between its lanes, how many lanes, weight,
-- and the only lane of its own that takes part in that race, if that is known.
local function read_tenant(name, packed)
  local v, floor, count, weight = struct.unpack('<dddd', packed)
  return {
    name = name, v = v, floor = floor, lanes = count, weight = weight, only = string.sub(packed, 33),
    changed = false, moved = false,
  }
end

local function learn_lanes(names)
  learn(lanes, ':lanes', names, read_lane)
end

local function learn_tenants(names)
  learn(tenants, ':tenants', names, read_tenant)
end

local function lane_of(name)
  if lanes[name] == nil then learn_lanes({ name }) end
  return lanes[name]
end

local function tenant_of(name)
  if tenants[name] == nil then learn_tenants({ name }) end
  return tenants[name]
end

-- Puts a member where it stands in a set, or takes it out; true when that let it in or out.
local function place(set, score, member)
  if score then return call('ZADD', key .. set, score, member) == 1 end
  return call('ZREM', key .. set, member) == 1
end

-- Lets a lane, an outlet or a tenant take part in its race, or keeps it out, as its work and the
-- holds say, and so what it belongs to. Where something stands in a set is never later than where
-- it really stands.
local function seat(name)
  local tenant, outlet = parts(name)
  local held = call('HMGET', key .. ':holds', tenant, outlet or tenant, name)
  if outlet and outlet ~= name then
    local lane = lane_of(name)
    place(':ready:' .. outlet, lane and lane.waiting > 0 and not held[3] and lane.v, name)
  end
  if outlet then
    local head = call('ZRANGE', key .. ':ready:' .. outlet, 0, 0, 'WITHSCORES')
    opened = place(':outlets:' .. tenant, not held[2] and head[2], outlet) or opened
  end
  local works, owner = call('EXISTS', key .. ':outlets:' .. tenant) == 1, tenant_of(tenant)
  if place(':race', works and not held[1] and owner.v, tenant) then
    opened = true
    if call('ZCARD', key .. ':race') == 1 then
      call('ZADD', key .. ':race', 0, LONG)
      call('ZREM', key .. ':race', LONG)
    end
  end
  if owner and owner.only ~= '' then owner.only, owner.changed = '', true end
end

-- The lane, which is opened if it held nothing. A tenant that stood ahead of the others when it
-- left comes back to where it stood.
local function open_lane(name)
  local lane = lane_of(name)
  if lane then return lane end
  local owner = parts(name)
  local tenant = tenant_of(owner)
  local weights = call('HMGET', key .. ':weights', name, owner)
  if not tenant then
    local stood = call('ZSCORE', key .. ':idle', owner)
    if stood then call('ZREM', key .. ':idle', owner) end
    tenant = { name = owner, v = tonumber(stood or 0), floor = 0, lanes = 0, only = '' }
    tenant.weight = tonumber(weights[2] or 1)
    tenants[owner] = tenant
  end
  tenant.lanes, tenant.changed = tenant.lanes + 1, true
  call('ZADD', key .. ':names', 0, name)
  begun = begun or call('ZCARD', key .. ':names') == 1
  lane = { name = name, waiting = 0, delayed = 0, v = 0, weight = tonumber(weights[1] or 1) }
  lane.changed = true
  lanes[name] = lane
  return lane
end

-- More records wait in a lane.
local function fill(lane, records)
  queue.depth, queue.changed = queue.depth + records, true
  lane.waiting, lane.changed = lane.waiting + records, true
  if lane.waiting == records then seat(lane.name) end
end

-- The server hashes every byte that a script sees. So what is large is kept apart, and a stub stands
-- for it until somebody takes it to pieces: how many records (one byte), 2, a number (eight bytes).
-- In a chunk the second byte is 0 or 1.
local LARGE = 2048
local apart = key .. ':apart'

local function is_stub(chunk)
  return string.byte(chunk, 2) == 2
end

-- Chunks of a list, from one to another, with stubs for the large ones.
local function slim(list, from, to)
  local slimmed, large = {}, {}
  for at = from, to do
    slimmed[#slimmed + 1] = list[at]
    if #list[at] > LARGE then large[#large + 1] = #slimmed end
  end
  if large[1] then
    local last, fields = call('HINCRBY', apart, 'last', #large), {}
    for nth, at in ipairs(large) do
      local number, chunk = struct.pack('>I8', last - #large + nth), slimmed[at]
      fields[2 * nth - 1], fields[2 * nth] = number, chunk
      slimmed[at] = string.sub(chunk, 1, 1) .. '\2' .. number
    end
    each_slice(fields, 'HSET', apart)
  end
  return slimmed
end

-- The chunk itself.
local function whole(chunk)
  if is_stub(chunk) then return call('HGET', apart, string.sub(chunk, 3)) end
  return chunk
end

-- Forgets what was kept apart of chunks that nobody needs any more.
local function forget(list)
  local numbers = {}
  for _, chunk in ipairs(list) do
    if is_stub(chunk) then numbers[#numbers + 1] = string.sub(chunk, 3) end
  end
  if not numbers[1] then return end
  each_slice(numbers, 'HDEL', apart)
  if call('HLEN', apart) == 1 then call('UNLINK', apart) end
end

-- A chunk of a lane waits until its instant. The number before it keeps chunks apart and in the
-- order in which they came.
local function delay(lane, due, chunk, records)
  local number = struct.pack('>I8', call('HINCRBY', key, 'delays', 1))
  call('ZADD', key .. ':later:' .. lane.name, due, number .. chunk)
  call('ZADD', key .. ':due', 'LT', due, lane.name)
  queue.depth, queue.changed = queue.depth + records, true
  lane.delayed, lane.changed = lane.delayed + records, true
end

-- Ends a hold.
local function release(on)
  call('HDEL', key .. ':holds', on)
  call('ZREM', key .. ':ends', on)
  seat(on)
end

-- Writes back what has changed, and forgets lanes of which nothing is left, and with the last of
-- them everything. A tenant without lanes is remembered if it stands ahead of the others, so that
-- it gains nothing by coming back at once.
local function save()
  local kept, count, forgot = {}, 0, false
  for name, lane in pairs(lanes) do
    if lane and lane.changed then
      if lane.waiting + lane.delayed > 0 then
        kept[count + 1] = name
        kept[count + 2] = struct.pack('<dddd', lane.waiting, lane.delayed, lane.v, lane.weight)
        count = count + 2
      else
        call('HDEL', key .. ':lanes', name)
        call('ZREM', key .. ':names', name)
        local tenant = tenant_of((parts(name)))
        tenant.lanes, tenant.changed, forgot = tenant.lanes - 1, true, true
      end
    end
  end
  each_slice(kept, 'HSET', key .. ':lanes')
  kept, count = {}, 0
  for name, tenant in pairs(tenants) do
    if tenant and tenant.changed then
      if tenant.lanes > 0 then
        kept[count + 1] = name
        kept[count + 2] = struct.pack('<dddd', tenant.v, tenant.floor, tenant.lanes, tenant.weight)
          .. tenant.only
        count = count + 2
      else
        call('HDEL', key .. ':tenants', name)
        if tenant.v > queue.floor then call('ZADD', key .. ':idle', tenant.v, name) end
      end
    end
  end
  each_slice(kept, 'HSET', key .. ':tenants')
  if opened then call('DEL', key .. ':open') end
  if begun then
    for _, set in ipairs({ ':lanes', ':tenants' }) do
      call('HSET', key .. set, LONG, LONG)
      call('HDEL', key .. set, LONG)
    end
  end
  if forgot and call('EXISTS', key .. ':names') == 0 then
    call('UNLINK', key, key .. ':idle')
  elseif queue.changed then
    call('HSET', key, 'floor', queue.floor, 'depth', queue.depth)
  end
end
