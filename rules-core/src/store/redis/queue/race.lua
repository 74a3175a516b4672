-- A race: whoever has the least virtual time is first. It is a heap over a sorted set, of which it
-- knows the first few and reads on when they are passed; without a set, it knows all there are.
local Race = {}
Race.__index = Race

-- `known` keeps what was learnt of contestants, by name, when they are read again.
local function race_over(set, page, known)
  local race = { set = set, page = page, known = known, count = 0, more = true, moved = {}, gone = {} }
  return setmetatable(race, Race)
end

local function race_of(set, contestants)
  local race = setmetatable({ set = set, known = {}, count = #contestants, moved = {}, gone = {} }, Race)
  for at, one in ipairs(contestants) do
    race[at] = one
    race.known[one.name] = one
  end
  for at = math.floor(race.count / 2), 1, -1 do
    race:sink(at)
  end
  return race
end

function Race:sink(at)
  local one, count = self[at], self.count
  while 2 * at <= count do
    local next = 2 * at
    if next < count and self[next + 1].v < self[next].v then next = next + 1 end
    if one.v <= self[next].v then break end
    self[at] = self[next]
    at = next
  end
  self[at] = one
end

-- Writes down where everybody stands now.
function Race:write()
  local scores = {}
  for name, one in pairs(self.moved) do
    scores[#scores + 1] = one.v
    scores[#scores + 1] = name
  end
  each_slice(scores, 'ZADD', self.set)
  each_slice(self.gone, 'ZREM', self.set)
  self.moved, self.gone = {}, {}
end

function Race:read()
  self:write()
  local found = call('ZRANGE', self.set, 0, self.page - 1, 'WITHSCORES')
  for at = 1, math.max(self.count, #found / 2) do
    local name = found[2 * at - 1]
    local one = name and (self.known[name] or { name = name })
    if one then
      self.known[name] = one
      one.v = tonumber(found[2 * at])
    end
    self[at] = one
  end
  self.count = #found / 2
  self.more = self.count == self.page
  self.edge = self.more and self[self.count].v
end

function Race:first()
  if self.more and (self.count == 0 or self[1].v > self.edge) then self:read() end
  return self[1]
end

-- The first one has moved on.
function Race:move(v)
  local one = self[1]
  if one.v ~= v then
    one.v = v
    self.moved[one.name] = one
    self:sink(1)
  end
end

-- The first one takes no more part in this call.
function Race:leave()
  local one = self[1]
  self[1] = self[self.count]
  self[self.count] = nil
  self.count = self.count - 1
  if self.count > 0 then self:sink(1) end
  return one
end

-- The first one has nothing more to be served.
function Race:quit()
  local one = self:leave()
  self.moved[one.name] = nil
  self.gone[#self.gone + 1] = one.name
end
