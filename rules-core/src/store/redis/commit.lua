-- Makes changes if nothing that they rest on has changed.
-- KEYS[1]: any key of the store. ARGV[2]: how many checks; each is a kind, a key, a field and
-- what is expected; then commands, each behind the number of its words.
-- Kinds: t, a text equals; f, a field equals; p, a field begins with; T and F, there is none.
-- Returns 1, or 0 and changes nothing.
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  local kind, key, field, expected = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  local found
  if kind == 't' or kind == 'T' then
    found = redis.call('GET', key)
  else
    found = redis.call('HGET', key, field)
  end
  if kind == 'T' or kind == 'F' then
    if found then return 0 end
  elseif not found then
    return 0
  elseif kind == 'p' then
    if string.sub(found, 1, #expected) ~= expected then return 0 end
  elseif found ~= expected then
    return 0
  end
end
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return 1
