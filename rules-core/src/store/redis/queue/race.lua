-- A race: whoever has the least virtual time is first. It is a heap over a sorted set, of which it
-- knows the first few and reads on when they are passed; a race of listed ones knows all there are.
local Race = {}
Race.__index = Race

-- `learn` makes contestants of names.
local function race_over(set, page, learn)
  local race = { set = set, page = page, learn = learn, count = 0, more = true, moved = {}, gone = {} }
  return setmetatable(race, Race)
end

local function race_of(set, contestants)
  local race = setmetatable({ set = set, count = #contestants, moved = {}, gone = {} }, Race)
  for at, one in ipairs(contestants) do
    race[at] = one
  end
  race:order()
  return race
end

function Race:order()
  for at = math.floor(self.count / 2), 1, -1 do
    self:sink(at)
  end
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

-- Writes down where everybody stands now. Where one stands alone does not matter.
function Race:write()
  if not self.alone then
    local scores = {}
    for name, one in pairs(self.moved) do
      scores[#scores + 1] = one.v
      scores[#scores + 1] = name
    end
    each_slice(scores, 'ZADD', self.set)
  end
  each_slice(self.gone, 'ZREM', self.set)
  self.moved, self.gone = {}, {}
end

function Race:read()
  self:write()
  local found = call('ZRANGE', self.set, 0, self.page - 1, 'WITHSCORES')
  local names = {}
  for at = 1, #found / 2 do
    names[at] = found[2 * at - 1]
  end
  local contestants = self.learn(names, found)
  for at = 1, math.max(self.count, #names) do
    local one = contestants[at]
    self[at] = one
    if one and one.v > tonumber(found[2 * at]) then self.moved[one.name] = one end
  end
  self.count = #names
  self.more = self.count == self.page
  self.edge = self.more and tonumber(found[#found])
  self.alone = self.count == 1 and not self.more
  self:order()
end

function Race:first()
  while self.more and (self.count == 0 or self[1].v > self.edge) do
    self:read()
  end
  return self[1]
end

-- The first one has moved on.
function Race:move(v)
  local one = self[1]
  one.v = v
  self.moved[one.name] = one
  self:sink(1)
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
