-- A lease is the list `taken` of its chunks and a text: how many records it had, how many of them are
-- open, how many of its chunks are stubs (four bytes each); a bit per receipt, set when it is settled, in whole words of four
-- bytes whose rest is set; its lanes (how many in two bytes, each behind its length in two bytes);
-- of each chunk the number of its lane and how many records it has (two bytes each).
local function lease_text(records, stubs, names, runs)
  local rest = records % 32
  local bits = string.rep('\0', 4 * math.floor(records / 32))
  if rest > 0 then bits = bits .. struct.pack('<I4', 4294967296 - 2 ^ rest) end
  local text = { struct.pack('<I4I4I4', records, records, stubs), bits, struct.pack('<I2', #names) }
  for _, name in ipairs(names) do
    text[#text + 1] = struct.pack('<I2', #name) .. name
  end
  for run = 1, #runs, 2 do
    text[#text + 1] = struct.pack('<I2I2', runs[run], runs[run + 1])
  end
  return table.concat(text)
end

-- Its chunks as lane and how many records.
local function read_lease(text)
  local records, names, runs = struct.unpack('<I4', text), {}, {}
  local count, at = struct.unpack('<I2', text, 13 + 4 * math.ceil(records / 32))
  for lane = 0, count - 1 do
    local length
    length, at = struct.unpack('<I2', text, at)
    names[lane] = string.sub(text, at, at + length - 1)
    at = at + length
  end
  while at <= #text do
    local lane, taken
    lane, taken, at = struct.unpack('<I2I2', text, at)
    runs[#runs + 1] = { names[lane], taken }
  end
  return runs
end

local function is_open(text, receipt)
  local bits = string.byte(text, 13 + math.floor(receipt / 8))
  return math.floor(bits / 2 ^ (receipt % 8)) % 2 == 0
end

-- Removes a lease of which nothing is left to do.
local function close_lease(token, stubs)
  if stubs > 0 then forget(call('LRANGE', key .. ':taken:' .. token, 0, -1)) end
  call('UNLINK', key .. ':lease:' .. token, key .. ':taken:' .. token)
  call('ZREM', key .. ':leases', token)
end

-- Chunks that go back to the heads of their lanes, in order.
local Back = {}
Back.__index = Back

function Back:add(name, chunk, records)
  local chunks = self[name]
  if not chunks then
    chunks = { records = 0 }
    self[name] = chunks
    self[#self + 1] = name
  end
  chunks[#chunks + 1] = chunk
  chunks.records = chunks.records + records
end

function Back:put()
  for _, name in ipairs(self) do
    local chunks, turned = self[name], {}
    for chunk = #chunks, 1, -1 do
      turned[#turned + 1] = chunks[chunk]
    end
    turned = slim(turned, 1, #turned)
    each_slice(turned, 'LPUSH', key .. ':wait:' .. name)
    fill(open_lane(name), chunks.records)
  end
end

-- Keeps a record that will not come out again.
local function bury(lane, payload, history, last)
  local number = call('INCR', key .. ':deaths')
  local first = history.first == '' and last or history.first
  call('XADD', key .. ':dead', number .. '-0', 'lane', lane, 'at', now, 'first', first, 'last', last,
    'retries', history.retries, 'recoveries', history.recoveries, 'payload', payload)
end
