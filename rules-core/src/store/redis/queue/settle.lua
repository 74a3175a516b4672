-- Says what came of leased records.
-- ARGV[2]: the token; how many receipts are settled; their bits, in whole words of four bytes; then
-- in the order of the receipts those that are not done: receipt, 'retry', 'dead' or 'back', instant,
-- code.
-- Returns how many were settled, or -1 when the lease is gone.
local token, wanted, bits = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local lease = key .. ':lease:' .. token

-- A server whose memory is full lets a script go on that has begun to write with what needs none.
call('DEL', key .. ':none')

local deadline = tonumber(call('ZSCORE', key .. ':leases', token) or nil)
if not deadline or deadline <= now then return -1 end

-- Settles what is open of the wanted receipts: the new bits, and how many those were.
local function mark(text)
  local before = string.sub(text, 13, 12 + 4 * math.ceil(struct.unpack('<I4', text) / 32))
  local words, records, overlap = {}, wanted, false
  local last = math.min(#bits, #before)
  for at = 1, last, 4 do
    local old, new = struct.unpack('<i4', before, at), struct.unpack('<i4', bits, at)
    overlap = overlap or bit.band(old, new) ~= 0
    words[#words + 1] = struct.pack('<i4', bit.bor(old, new))
  end
  if overlap or last < #bits then
    records = 0
    for receipt = 0, 8 * last - 1 do
      local asked = math.floor(string.byte(bits, 1 + math.floor(receipt / 8)) / 2 ^ (receipt % 8)) % 2 == 1
      if asked and is_open(text, receipt) then records = records + 1 end
    end
  end
  return table.concat(words), records
end

-- Puts away what is left over of a chunk: runs of records that share what became of them.
local function put_away(lane, chunk, receipt, fates, back)
  local history = history_of(chunk)
  local at, next = history.at, 1
  local piece
  local function close()
    if not piece then return end
    local packed, fate = table.concat(piece.packed), piece.fate
    if fate.kind == 'back' then
      back:add(lane, chunk_of(history, #piece.packed, packed), #piece.packed)
    else
      local first = history.first == '' and fate.code or history.first
      local after = { retries = history.retries + 1, recoveries = history.recoveries, first = first }
      local chunk = slim({ chunk_of(after, #piece.packed, packed) }, 1, 1)[1]
      delay(open_lane(lane), fate.at, chunk, #piece.packed)
    end
    piece = nil
  end
  for number = receipt, receipt + history.records - 1 do
    local payload, after = payload_of(chunk, at)
    local fate = fates[next]
    if fate and fate.receipt == number then
      next = next + 1
      if fate.kind == 'dead' then
        bury(lane, sub(chunk, payload, after - 1), history, fate.code)
      else
        local same = piece and piece.fate
        if not (same and same.kind == fate.kind and same.at == fate.at and same.code == fate.code) then
          close()
          piece = { fate = fate, packed = {} }
        end
        piece.packed[#piece.packed + 1] = sub(chunk, at, after - 1)
      end
    end
    at = after
  end
  close()
end

local text = call('GETRANGE', lease, 0, 11 + #bits)
local total, open, stubs = struct.unpack('<I4I4I4', text)
local marked, records = mark(text)
if records == 0 then return 0 end

if #ARGV > 4 then
  local fates, next = {}, 1
  for at = 5, #ARGV, 4 do
    local fate = { receipt = tonumber(ARGV[at]), kind = ARGV[at + 1], at = ARGV[at + 2], code = ARGV[at + 3] }
    if fate.receipt < total and is_open(text, fate.receipt) then fates[#fates + 1] = fate end
  end
  local back, receipt = setmetatable({}, Back), 0
  for at, run in ipairs(read_lease(call('GET', lease))) do
    local here = {}
    while fates[next] and fates[next].receipt < receipt + run[2] do
      here[#here + 1] = fates[next]
      next = next + 1
    end
    if here[1] then
      local chunk = whole(call('LINDEX', key .. ':taken:' .. token, at - 1))
      put_away(run[1], chunk, receipt, here, back)
    end
    receipt = receipt + run[2]
  end
  back:put()
  save()
end
if open == records then
  close_lease(token, stubs)
else
  call('SETRANGE', lease, 4, struct.pack('<I4I4', open - records, stubs) .. marked)
end
return records
