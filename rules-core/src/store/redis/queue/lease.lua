-- Takes records under a token, as fairness and allowances say (`fair.rs` has the same rules), or
-- tells again what a live lease took.
-- ARGV[2]: the token; then how many records at most, microseconds until the deadline, recoveries
-- allowed; 'all', or 'listed' and of each tenant its name, how many outlets, and of each its name
-- and how many records.
-- Returns the deadline; the next instant worth waking for, if any; the text of the lease, if any;
-- outlets that still have work; chunks, of which some may be stubs.
local QUANTUM, UNIT = 20, 1048576
local READY_OUTLETS, REAPED, RELEASED, PROMOTED, FORGOTTEN = 1000, 2, 64, 256, 16

local token, max, ttl = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local max_recoveries, unlimited = tonumber(ARGV[5]), ARGV[6] == 'all'
local leases, taken = key .. ':leases', key .. ':taken:' .. token

-- A server whose memory is full lets a script go on that has begun to write with what needs none,
-- and only leasing and settling make room.
call('DEL', key .. ':none')

-- When the next hold ends, the next delayed record is due, the next lease of another runs out.
local next_end, next_delayed, next_deadline

local function first_score(set)
  return tonumber(call('ZRANGE', key .. set, 0, 0, 'WITHSCORES')[2] or math.huge)
end

-- Releases holds whose end has come.
local function release_ended()
  next_end = first_score(':ends')
  if next_end > now then return end
  for _, on in ipairs(call('ZRANGE', key .. ':ends', '-inf', now, 'BYSCORE', 'LIMIT', 0, RELEASED)) do
    release(on)
  end
  next_end = first_score(':ends')
end

-- Moves delayed chunks that are due to the tails of their lanes.
local function promote()
  local left = PROMOTED
  while true do
    local first = call('ZRANGE', key .. ':due', 0, 0, 'WITHSCORES')
    next_delayed = tonumber(first[2] or math.huge)
    if next_delayed > now or left <= 0 then return end
    local name = first[1]
    local set, lane = key .. ':later:' .. name, lane_of(name)
    local chunks = call('ZRANGE', set, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
    local records = 0
    for at, chunk in ipairs(chunks) do
      chunks[at] = sub(chunk, 9)
      records = records + byte(chunk, 9)
    end
    if lane and #chunks > 0 then
      each_slice(chunks, 'RPUSH', key .. ':wait:' .. name)
      call('ZREMRANGEBYRANK', set, 0, #chunks - 1)
      lane.delayed, queue.depth = lane.delayed - records, queue.depth - records
      fill(lane, records)
    end
    place(':due', call('ZRANGE', set, 0, 0, 'WITHSCORES')[2], name)
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
  local runs = read_lease(text)
  local back, receipt = setmetatable({}, Back), 0
  for at, chunk in ipairs(call('LRANGE', key .. ':taken:' .. token, 0, -1)) do
    chunk = whole(chunk)
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
  close_lease(token, struct.unpack('<I4', text, 9))
end

-- Reaps leases that ran out, a few of them; says when the token's own lease ends, if it lives.
local function reap_expired()
  local own = tonumber(call('ZSCORE', leases, token) or nil)
  if own and own <= now then
    reap(token)
    own = nil
  end
  local first, reaped = nil, 0
  while true do
    first = call('ZRANGE', leases, 0, 1, 'WITHSCORES')
    if reaped == REAPED or tonumber(first[2] or math.huge) > now then break end
    reap(first[1])
    reaped = reaped + 1
  end
  next_deadline = tonumber(first[1] == token and (first[4] or math.huge) or first[2] or math.huge)
  return own
end

-- Tenants without work are remembered for as long as they stand ahead of the others.
local function forget_idle()
  local passed = call('ZRANGE', key .. ':idle', '-inf', queue.floor, 'BYSCORE', 'LIMIT', 0, FORGOTTEN)
  each_slice(passed, 'ZREM', key .. ':idle')
end

-- Reads tenants, and the lanes of those that have only one.
local function contestants(names)
  local found, only = {}, {}
  learn_tenants(names)
  for at, name in ipairs(names) do
    found[at] = tenants[name] or { name = name, v = 0, floor = 0, weight = 1, only = '' }
    if found[at].only ~= '' then only[#only + 1] = found[at].only end
  end
  learn_lanes(only)
  return found
end

-- The tenants that have work; as many are read at a time as are likely to be served.
local function race_of_all()
  return race_over(key .. ':race', math.min(64, math.ceil(max / QUANTUM) + 2), contestants, true)
end

-- The tenants that are listed and have work in what is listed of them.
local function race_of_listed()
  local names, allowed, at, last = {}, {}, 7, #ARGV
  while at <= last do
    local name, after = ARGV[at], at + 2 + 2 * ARGV[at + 1]
    if call('ZSCORE', key .. ':race', name) then
      names[#names + 1], allowed[name] = name, {}
      for outlet = at + 2, after - 2, 2 do
        allowed[name][ARGV[outlet]] = tonumber(ARGV[outlet + 1])
      end
    end
    at = after
  end
  local found = {}
  for _, tenant in ipairs(contestants(names)) do
    local outlets = {}
    tenant.allowed = allowed[tenant.name]
    if tenant.only == '' then
      for name, records in pairs(tenant.allowed) do
        local v = call('ZSCORE', key .. ':outlets:' .. tenant.name, name)
        if v then outlets[#outlets + 1] = { name = name, v = tonumber(v), allowed = records, moved = false } end
      end
      tenant.race = race_of(key .. ':outlets:' .. tenant.name, outlets)
      tenant.race.alone = call('ZCARD', key .. ':outlets:' .. tenant.name) == 1 and outlets[1]
    end
    if tenant.only ~= '' or outlets[1] then found[#found + 1] = tenant end
  end
  return race_of(key .. ':race', found)
end

-- The outlets of a tenant that have work.
local function race_of_outlets(tenant)
  local outlets = {}
  return race_over(key .. ':outlets:' .. tenant.name, 4, function(names, scores)
    local found = {}
    for at, name in ipairs(names) do
      local outlet = outlets[name] or { name = name, v = scores[at], moved = false }
      outlets[name], found[at] = outlet, outlet
    end
    return found
  end)
end

-- The lanes of an outlet that have work.
local function race_of_lanes(outlet)
  return race_over(key .. ':ready:' .. outlet.name, 4, function(names)
    local found = {}
    learn_lanes(names)
    for at, name in ipairs(names) do
      found[at] = lanes[name] or { name = name, waiting = 0, v = 0, weight = 1 }
    end
    return found
  end)
end

-- The tenant's next lane, and its outlet.
local function next_lane(tenant)
  while true do
    local outlet = first_of(tenant.race)
    if not outlet then return end
    outlet.race = outlet.race or race_of_lanes(outlet)
    local lane = first_of(outlet.race)
    if outlet.allowed == 0 then
      leave_race(tenant.race)
    elseif not lane then
      quit_race(tenant.race)
      opened = true
    elseif lane.v > outlet.v then
      move_on(tenant.race, lane.v)
    else
      return lane, outlet
    end
  end
end

-- Cuts a chunk after some of its records.
local function cut(slimmed, wanted)
  local chunk = whole(slimmed)
  local history = history_of(chunk)
  local at = history.at
  for _ = 1, wanted do
    local _, next = payload_of(chunk, at)
    at = next
  end
  local first = chunk_of(history, wanted, sub(chunk, history.at, at - 1))
  local rest = chunk_of(history, history.records - wanted, sub(chunk, at))
  local parts = slim({ first, rest }, 1, 2)
  forget({ slimmed })
  return parts[1], parts[2]
end

-- The lanes that were served; of each chunk that was taken the number of its lane and how many
-- records it has; the chunks; how many of them are stubs.
local served, runs, chunks, stubs = {}, {}, {}, 0

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
    if not lane.number then
      lane.number = #served
      served[#served + 1] = lane.name
    end
    count = count + size
    local taken_before = #chunks
    chunks[taken_before + 1] = chunk
    runs[2 * taken_before + 1], runs[2 * taken_before + 2] = lane.number, size
    if is_stub(chunk) then stubs = stubs + 1 end
  until limit - count < QUANTUM / 2
  return count
end

local function cost(records, weight)
  return math.max(1, math.floor(records * UNIT / weight))
end

-- Serves a lane; returns how many records that were, and where the lane stands then.
local function serve_lane(tenant, lane, limit, allowed)
  local count = take(lane, math.min(limit, allowed or limit))
  lane.waiting, lane.changed = count > 0 and lane.waiting - count or 0, true
  tenant.floor, tenant.changed = math.max(lane.v, tenant.floor), true
  return count, tenant.floor + cost(count, lane.weight)
end

-- Serves the only lane of a tenant; its sets need not be looked at until it is empty.
local function serve_only(tenant, limit)
  local lane, allowed, outlet = lanes[tenant.only], nil, nil
  if tenant.allowed then
    outlet = outlet_of(tenant.only)
    allowed = tenant.allowed[outlet] or 0
    if allowed == 0 then return 0 end
  end
  local count
  count, lane.v = serve_lane(tenant, lane, limit, allowed)
  if allowed then tenant.allowed[outlet] = allowed - count end
  if lane.waiting == 0 then
    outlet = outlet_of(tenant.only)
    call('ZREM', key .. ':ready:' .. outlet, lane.name)
    call('ZREM', key .. ':outlets:' .. tenant.name, outlet)
    tenant.only, opened = '', true
  end
  return count
end

-- Serves the tenant's next lane; returns how many records that were, 0 when none can be served.
local function serve(tenant, limit)
  local count, v = 0, nil
  while count == 0 do
    local lane, outlet = next_lane(tenant)
    if not lane then return 0 end
    count, v = serve_lane(tenant, lane, limit, outlet.allowed)
    if lane.waiting > 0 then
      move_on(outlet.race, v)
    else
      quit_race(outlet.race)
      lane.v = v
    end
    if outlet.allowed then outlet.allowed = outlet.allowed - count end
    if not first_of(outlet.race) then
      quit_race(tenant.race)
      opened = true
    end
    write_race(outlet.race)
  end
  return count
end

-- Learns that a tenant has one lane only. Whatever changes that makes it unknown again.
local function learn_only(tenant)
  local outlet = tenant.race.alone
  local lane = outlet and outlet.race and outlet.race.alone
  if lane and lane.waiting > 0 then tenant.only = lane.name end
end

-- Deals out up to `max` records; returns how many that were.
local function deal()
  local race = unlimited and race_of_all() or race_of_listed()
  local left, touched = max, {}
  while left > 0 do
    local tenant = first_of(race)
    if not tenant then break end
    if tenant.only == '' and not tenant.race then tenant.race = race_of_outlets(tenant) end
    local count, v, works = 0, tenant.v, nil
    if tenant.race then
      touched[tenant.name] = tenant
      count = serve(tenant, math.min(left, QUANTUM))
      works = first_of(tenant.race) or not unlimited
    else
      -- Nobody waits for the end of a turn of somebody who is alone.
      count = serve_only(tenant, race.alone and left or math.min(left, QUANTUM))
      works = tenant.only ~= ''
    end
    if count > 0 then
      left = left - count
      queue.floor = math.max(v, queue.floor)
      v = queue.floor + cost(count, tenant.weight)
    end
    if not works then
      quit_race(race)
      tenant.v, opened = v, true
    elseif count > 0 then
      move_on(race, v)
    else
      leave_race(race)
    end
  end
  for name, tenant in pairs(touched) do
    write_race(tenant.race)
    learn_only(tenant)
    if not unlimited and call('EXISTS', key .. ':outlets:' .. name) == 0 then
      tenant.moved = false
      race.gone[#race.gone + 1] = name
    end
  end
  write_race(race)
  if left < max then
    queue.depth, queue.changed = queue.depth - (max - left), true
  end
  return max - left
end

-- Up to `room` members of a sorted set; of more, others each time, and then true.
local function some_of(set, room)
  local found = call('ZRANGE', set, 0, room - 1)
  if #found < room then return found, false end
  local all = call('ZCARD', set)
  if all == room then return found, false end
  local from = call('HINCRBY', key, 'turn', 1) * room % all
  found = call('ZRANGE', set, from, from + room - 1)
  for _, member in ipairs(call('ZRANGE', set, 0, room - 1)) do
    if #found < room then found[#found + 1] = member end
  end
  return found, true
end

-- Outlets that have work which is due and not held, one a line. They are kept until others have.
local function ready()
  local kept = not opened and call('GET', key .. ':open')
  if kept then return kept end
  local outlets = {}
  local names, more = some_of(key .. ':race', READY_OUTLETS)
  for _, tenant in ipairs(names) do
    local room = READY_OUTLETS - #outlets
    if room == 0 then
      more = true
      break
    end
    local found, others = some_of(key .. ':outlets:' .. tenant, room)
    more = more or others
    for _, outlet in ipairs(found) do
      outlets[#outlets + 1] = outlet
    end
  end
  local text = table.concat(outlets, '\n')
  if outlets[1] and not more then
    call('SET', key .. ':open', text)
    opened = false
  end
  return text
end

release_ended()
promote()
local deadline = reap_expired()
forget_idle()
local text = deadline and call('GET', key .. ':lease:' .. token)
if text then
  chunks = call('LRANGE', taken, 0, -1)
else
  deadline = now + ttl
  local records = deal()
  if records > 0 then
    text = lease_text(records, stubs, served, runs)
    call('SET', key .. ':lease:' .. token, text)
    call('ZADD', leases, deadline, token)
  end
end
local outlets = ready()
save()
local next_due = math.min(next_end, next_delayed, next_deadline)
return { deadline, next_due < math.huge and next_due, text or false, outlets, chunks }
