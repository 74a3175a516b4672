-- Takes records under a token, as fairness and allowances say (`fair.rs` has the same rules), or
-- tells again what a live lease took.
-- ARGV[2]: the token; then how many records at most, microseconds until the deadline, recoveries
-- allowed; 'all', or 'listed' and of each tenant its name, how many outlets, and of each its name
-- and how many records.
-- Returns the deadline; the next instant worth waking for, if any; the text of the lease, if any;
-- outlets that still have work; chunks.
local QUANTUM, UNIT = 16, 1048576
local READY_OUTLETS, REAPED, RELEASED, PROMOTED, FORGOTTEN = 1000, 2, 64, 256, 16

local token, max, ttl = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local max_recoveries, unlimited = tonumber(ARGV[5]), ARGV[6] == 'all'
local leases, taken = key .. ':leases', key .. ':taken:' .. token

-- A server whose memory is full lets a script go on that has begun to write with what needs none,
-- and only leasing and settling make room.
call('DEL', key .. ':none')

-- Releases holds whose end has come.
local function release_ended()
  for _, on in ipairs(call('ZRANGE', key .. ':ends', '-inf', now, 'BYSCORE', 'LIMIT', 0, RELEASED)) do
    release(on)
  end
end

-- Moves delayed chunks that are due to the tails of their lanes.
local function promote()
  local left = PROMOTED
  while left > 0 do
    local first = call('ZRANGE', key .. ':due', 0, 0, 'WITHSCORES')
    local lane = first[1]
    if not lane or now < tonumber(first[2]) then return end
    local set = key .. ':later:' .. lane
    local chunks = call('ZRANGE', set, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
    local records = 0
    for at, chunk in ipairs(chunks) do
      chunks[at] = sub(chunk, 9)
      records = records + byte(chunk, 9)
    end
    each_slice(chunks, 'RPUSH', key .. ':wait:' .. lane)
    if #chunks > 0 then call('ZREMRANGEBYRANK', set, 0, #chunks - 1) end
    call('HINCRBY', key .. ':lane:' .. lane, 'd', -records)
    call('HINCRBY', key, 'depth', -records)
    fill_lane(lane, records)
    local next = call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    if next then
      call('ZADD', key .. ':due', next, lane)
    else
      call('ZREM', key .. ':due', lane)
    end
    left = left - math.max(1, #chunks)
  end
end

-- The packed records of a chunk whose receipts are open. `receipt` is that of its first.
local function open_records(text, chunk, history, receipt)
  local packed, records, at = {}, 0, history.at
  for number = 0, history.records - 1 do
    local payload, next = payload_of(chunk, at)
    if is_open(text, receipt + number) then
      packed[#packed + 1] = sub(chunk, at, next - 1)
      records = records + 1
    end
    at = next
  end
  return table.concat(packed), records
end

local function bury_all(lane, history, records, packed)
  local at = 1
  for _ = 1, records do
    local payload, next = payload_of(packed, at)
    bury(lane, sub(packed, payload, next - 1), history, 'queue.recovered_too_often')
    at = next
  end
end

-- Ends a lease that ran out: what is open goes back to the heads of its lanes, or dies.
local function reap(token)
  local text = call('GET', key .. ':lease:' .. token)
  if not text then
    call('ZREM', leases, token)
    return
  end
  local lanes, runs = read_lease(text)
  local back, receipt = setmetatable({}, Back), 0
  for at, chunk in ipairs(call('LRANGE', key .. ':taken:' .. token, 0, -1)) do
    local lane, history = runs[at][1], history_of(chunk)
    local packed, records = open_records(text, chunk, history, receipt)
    receipt = receipt + history.records
    history.recoveries = history.recoveries + 1
    if max_recoveries < history.recoveries then
      bury_all(lane, history, records, packed)
    elseif records > 0 then
      back:add(lane, chunk_of(history, records, packed), records)
    end
  end
  back:put()
  close_lease(token, lanes)
end

-- Reaps leases that ran out, a few of them; says when the token's own lease ends, if it lives.
local function reap_expired()
  local own = tonumber(call('ZSCORE', leases, token) or nil)
  if own and own <= now then
    reap(token)
    own = nil
  end
  for _, expired in ipairs(call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, REAPED)) do
    reap(expired)
  end
  return own
end

-- Tenants without work are remembered for as long as they stand ahead of the others.
local function forget_idle(floor)
  local passed = call('ZRANGE', key .. ':idle', '-inf', floor, 'BYSCORE', 'LIMIT', 0, FORGOTTEN)
  each_slice(passed, 'ZREM', key .. ':idle')
end

local tenants, lanes = {}, {}
local names, runs, records = {}, {}, {}

-- The tenants that are listed and have work in what is listed of them.
local function listed_race()
  local found, at, last = {}, 7, #ARGV
  while at <= last do
    local tenant, count = ARGV[at], tonumber(ARGV[at + 1])
    local v = call('ZSCORE', key .. ':race', tenant)
    local outlets = {}
    for outlet = at + 2, v and at + 2 * count or 0, 2 do
      local head = call('ZSCORE', key .. ':outlets:' .. tenant, ARGV[outlet])
      if head then
        outlets[#outlets + 1] =
          { name = ARGV[outlet], v = tonumber(head), allowed = tonumber(ARGV[outlet + 1]) }
      end
    end
    if #outlets > 0 then
      local one = { name = tenant, v = tonumber(v), outlets = race_of(key .. ':outlets:' .. tenant, outlets) }
      found[#found + 1] = one
    end
    at = at + 2 + 2 * count
  end
  return race_of(key .. ':race', found)
end

local function cost(records, weight)
  return math.max(1, math.floor(records * UNIT / weight))
end

-- Cuts a chunk after some of its records.
local function cut(chunk, wanted)
  local history = history_of(chunk)
  local at = history.at
  for _ = 1, wanted do
    local _, next = payload_of(chunk, at)
    at = next
  end
  local rest = history.records - wanted
  return chunk_of(history, wanted, sub(chunk, history.at, at - 1)), chunk_of(history, rest, sub(chunk, at))
end

-- Moves up to `limit` records of a lane into the lease: whole chunks, but at least one record.
local function take(lane, limit)
  local wait, count = key .. ':wait:' .. lane.name, 0
  repeat
    local chunk = call('LMOVE', wait, taken, 'LEFT', 'RIGHT')
    if not chunk then break end
    local size = byte(chunk)
    if count + size > limit then
      if count > 0 then
        call('LMOVE', taken, wait, 'RIGHT', 'LEFT')
        break
      end
      local rest
      chunk, rest = cut(chunk, limit)
      size = limit
      call('LSET', taken, -1, chunk)
      call('LPUSH', wait, rest)
    end
    count = count + size
    records[#records + 1] = chunk
    runs[#runs + 1] = { lane.number, size }
  until count == limit
  return count
end

local function learn_lane(lane)
  local state = call('HMGET', key .. ':lane:' .. lane.name, 'w', 'l', 'k')
  lane.waiting, lane.leases, lane.weight = tonumber(state[1]), tonumber(state[2] or 0), tonumber(state[3] or 1)
  names[#names + 1] = lane
  lane.number = #names - 1
end

-- Serves the tenant's next lane; returns how many records that were.
local function serve(tenant, left)
  local outlets = tenant.outlets
  while true do
    local outlet = outlets:first()
    if not outlet then return 0 end
    local limit = math.min(QUANTUM, left, outlet.allowed or QUANTUM)
    if limit == 0 then
      outlets:leave()
    else
      outlet.lanes = outlet.lanes or race_over(key .. ':ready:' .. outlet.name, 4, lanes)
      local lane = outlet.lanes:first()
      if not lane.number then learn_lane(lane) end
      local count = take(lane, limit)
      lane.waiting = count == 0 and 0 or lane.waiting - count
      local start = math.max(lane.v, tenant.floor)
      local v = start + cost(count, lane.weight)
      tenant.floor = start
      if lane.waiting > 0 then
        outlet.lanes:move(v)
      else
        outlet.lanes:quit()
        lane.v = v
      end
      if outlet.allowed then outlet.allowed = outlet.allowed - count end
      local head = outlet.lanes:first()
      if head then
        outlets:move(head.v)
      else
        outlets:quit()
      end
      if count > 0 then return count end
    end
  end
end

local function learn_tenant(tenant, served)
  local state = call('HMGET', key .. ':tenant:' .. tenant.name, 'f', 'k')
  tenant.floor, tenant.weight = tonumber(state[1]), tonumber(state[2] or 1)
  tenant.outlets = tenant.outlets or race_over(key .. ':outlets:' .. tenant.name, 4, {})
  served[#served + 1] = tenant
end

-- Deals out up to `max` records and stores the lease, unless nobody got any.
local function deal()
  local state = call('HMGET', key, 'floor', 'depth')
  local floor, left = tonumber(state[1] or 0), max
  forget_idle(floor)
  local race = unlimited and race_over(key .. ':race', 32, tenants) or listed_race()
  local served = {}
  while left > 0 do
    local tenant = race:first()
    if not tenant then break end
    if not tenant.floor then learn_tenant(tenant, served) end
    local count = serve(tenant, left)
    local v = tenant.v
    if count > 0 then
      left = left - count
      floor = math.max(v, floor)
      v = floor + cost(count, tenant.weight)
    end
    if unlimited and not tenant.outlets:first() then
      race:quit()
      tenant.v = v
    elseif count > 0 then
      race:move(v)
    else
      race:leave()
    end
  end
  for _, lane in ipairs(names) do
    call('HSET', key .. ':lane:' .. lane.name, 'w', lane.waiting, 'l', lane.leases + 1, 'v', lane.v)
  end
  for _, tenant in ipairs(served) do
    for _, outlet in pairs(tenant.outlets.known) do
      if outlet.lanes then outlet.lanes:write() end
    end
    tenant.outlets:write()
    call('HSET', key .. ':tenant:' .. tenant.name, 'v', tenant.v, 'f', tenant.floor)
    if not unlimited and call('EXISTS', key .. ':outlets:' .. tenant.name) == 0 then
      race.moved[tenant.name] = nil
      call('ZREM', key .. ':race', tenant.name)
    end
  end
  race:write()
  if left == max then return end
  call('HSET', key, 'floor', floor, 'depth', tonumber(state[2] or 0) - (max - left))
end

-- Up to `room` members of a sorted set; of more, others each time.
local turn
local function some_of(set, room)
  local found = call('ZRANGE', set, 0, room - 1)
  if #found < room then return found end
  local all = call('ZCARD', set)
  if all == room then return found end
  turn = turn or call('HINCRBY', key, 'turn', 1)
  local from = turn * room % all
  found = call('ZRANGE', set, from, from + room - 1)
  for _, member in ipairs(call('ZRANGE', set, 0, room - #found - 1)) do
    if #found < room then found[#found + 1] = member end
  end
  return found
end

-- Outlets that have work which is due and not held.
local function ready()
  local outlets = {}
  for _, tenant in ipairs(some_of(key .. ':race', READY_OUTLETS)) do
    local room = READY_OUTLETS - #outlets
    if room == 0 then break end
    for _, outlet in ipairs(some_of(key .. ':outlets:' .. tenant, room)) do
      outlets[#outlets + 1] = outlet
    end
  end
  return outlets
end

-- The earliest delayed record, end of a hold or deadline of another lease.
local function next_due()
  local earliest = call('ZRANGE', key .. ':due', 0, 0, 'WITHSCORES')[2]
  local ends = call('ZRANGE', key .. ':ends', 0, 0, 'WITHSCORES')[2]
  local others = call('ZRANGE', leases, 0, 1, 'WITHSCORES')
  local other = others[1] == token and others[4] or others[2]
  if others[1] == token and not others[4] then other = nil end
  local least
  for _, instant in pairs({ due = earliest, ends = ends, other = other }) do
    least = math.min(tonumber(instant), least or math.huge)
  end
  return least or false
end

release_ended()
promote()
local deadline = reap_expired()
local text = deadline and call('GET', key .. ':lease:' .. token)
if text then
  records = call('LRANGE', taken, 0, -1)
else
  deadline = now + ttl
  deal()
  if #runs > 0 then
    local total, lane_names = 0, {}
    for _, run in ipairs(runs) do
      total = total + run[2]
    end
    for at, lane in ipairs(names) do
      lane_names[at] = lane.name
    end
    text = lease_text(total, lane_names, runs)
    call('SET', key .. ':lease:' .. token, text)
    call('ZADD', leases, deadline, token)
  end
end
return { deadline, next_due(), text or false, ready(), records }
