-- A chunk is a few records of one lane with one history: how many (one byte); 0 when nothing has
-- happened to them yet, else 1 and the history: retries and recoveries (four bytes each), the first
-- code behind its length (one byte). Then each payload behind its length, seven bits to a byte.
local byte, sub = string.byte, string.sub

local function history_of(chunk)
  if byte(chunk, 2) == 0 then
    return { records = byte(chunk), retries = 0, recoveries = 0, first = '', at = 3 }
  end
  local retries, recoveries, length = struct.unpack('<I4I4B', chunk, 3)
  local first = sub(chunk, 12, 11 + length)
  return {
    records = byte(chunk), retries = retries, recoveries = recoveries, first = first, at = 12 + length,
  }
end

local function chunk_of(history, records, packed)
  if history.retries + history.recoveries == 0 then
    return string.char(records, 0) .. packed
  end
  local first = history.first
  return struct.pack('<BBI4I4B', records, 1, history.retries, history.recoveries, #first)
    .. first .. packed
end

-- Where the payload of the record at `at` begins, and where the next record does.
local function payload_of(chunk, at)
  local length, unit = 0, 1
  local digit
  repeat
    digit = byte(chunk, at)
    at = at + 1
    length = length + digit % 128 * unit
    unit = unit * 128
  until digit < 128
  return at, at + length
end
