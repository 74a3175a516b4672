-- A race: whoever has the least virtual time is first. It is a line in that order, from `from` on,
-- over a sorted set of which it knows the first few and reads on when they are passed; a race of
-- listed ones knows all there are.
local Race = {}
Race.__index = Race

-- `learn` makes contestants of names. `exact`: they know best where they stand.
local function race_over(set, page, learn, exact)
  return setmetatable({
    set = set, page = page, learn = learn, exact = exact, line = {}, from = 1, last = 0, more = true,
    edge = false, alone = false, changed = {}, changes = 0, gone = {},
  }, Race)
end

local function race_of(set, contestants)
  table.sort(contestants, function(one, other) return one.v < other.v end)
  return setmetatable({
    set = set, line = contestants, from = 1, last = #contestants, changed = {}, changes = 0, gone = {},
  }, Race)
end

-- Puts a contestant where it stands; most often that is the end.
function Race:enter(one)
  local line, at, v = self.line, self.last, one.v
  while at >= self.from and line[at].v > v do
    line[at + 1] = line[at]
    at = at - 1
  end
  line[at + 1] = one
  self.last = self.last + 1
end

-- The contestant stands elsewhere than the set says.
function Race:note(one)
  if not one.moved then
    one.moved = true
    self.changes = self.changes + 1
    self.changed[self.changes] = one
  end
end

-- Writes down where everybody stands now. Where one stands alone does not matter.
function Race:write()
  local scores, count = {}, 0
  for at = 1, self.changes do
    local one = self.changed[at]
    if one.moved and not self.alone then
      scores[count + 1], scores[count + 2] = string.format('%d', one.v), one.name
      count = count + 2
    end
    one.moved = false
  end
  each_slice(scores, 'ZADD', self.set)
  each_slice(self.gone, 'ZREM', self.set)
  self.changed, self.changes, self.gone = {}, 0, {}
end

function Race:read()
  self:write()
  local names, scores = nil, {}
  if self.exact then
    names = call('ZRANGE', self.set, 0, self.page - 1)
  else
    names = call('ZRANGE', self.set, 0, self.page - 1, 'WITHSCORES')
    for at = 1, #names / 2 do
      names[at], scores[at] = names[2 * at - 1], tonumber(names[2 * at])
    end
    for at = #names, #scores + 1, -1 do
      names[at] = nil
    end
  end
  local found, count = self.learn(names, scores), #names
  self.line, self.from, self.last = {}, 1, 0
  for at = 1, count do
    local one = found[at]
    if scores[at] and one.v > scores[at] then self:note(one) end
    self:enter(one)
  end
  self.more = count == self.page
  self.edge = self.more and (scores[count] or found[count].v)
  self.alone = count == 1 and not self.more and found[1]
end

function Race:first()
  while self.more and (self.from > self.last or self.line[self.from].v > self.edge) do
    self:read()
  end
  return self.line[self.from]
end

-- The first one takes no more part in this call.
function Race:leave()
  local one = self.line[self.from]
  self.line[self.from] = nil
  self.from = self.from + 1
  return one
end

-- The first one has moved on.
function Race:move(v)
  local one = self:leave()
  one.v = v
  self:note(one)
  self:enter(one)
end

-- The first one has nothing more to be served.
function Race:quit()
  local one = self:leave()
  one.moved = false
  self.gone[#self.gone + 1] = one.name
end
