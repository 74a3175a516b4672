-- Makes changes if nothing that they rest on has changed.
-- KEYS[1]: any key of the store. ARGV[2]: how many checks; each is a kind, a key, a field and
-- what is expected; then how many keys nothing lies under, and these keys; then commands, each
-- behind the number of its words.
-- Kinds: t, a text equals; f, a field equals; p, a field begins with; F, there is no such field.
-- Returns 1, or 0 and changes nothing.
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  local kind, key, field, expected = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  local found
  if kind == 't' then
    found = redis.call('GET', key)
  else
    found = redis.call('HGET', key, field)
  end
  if kind == 'F' then
    if found then return 0 end
  elseif not found then
    return 0
  elseif kind == 'p' then
    if string.sub(found, 1, #expected) ~= expected then return 0 end
  elseif found ~= expected then
    return 0
  end
end
local past = at + 1 + tonumber(ARGV[at])
at = at + 1
while at < past do
  local last = math.min(at + 999, past - 1)
  if redis.call('EXISTS', unpack(ARGV, at, last)) > 0 then return 0 end
  at = last + 1
end
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return 1
