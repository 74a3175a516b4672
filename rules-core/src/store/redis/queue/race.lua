-- A race: whoever has the least virtual time is first. It is a line in that order, from `from` on,
-- over a sorted set of which it knows the first few and reads on when they are passed; a race of
-- listed ones knows all there are.
-- `learn` makes contestants of names. `exact`: they know best where they stand.
local function race_over(set, page, learn, exact)
  return {
    set = set, page = page, learn = learn, exact = exact, line = {}, from = 1, last = 0, more = true,
    edge = false, alone = false, changed = {}, changes = 0, gone = {},
  }
end

local function race_of(set, contestants)
  table.sort(contestants, function(one, other) return one.v < other.v end)
  return {
    set = set, line = contestants, from = 1, last = #contestants, changed = {}, changes = 0, gone = {},
  }
end

-- Puts a contestant where it stands; most often that is the end.
local function enter_race(race, one)
  local line, at, v = race.line, race.last, one.v
  while at >= race.from and line[at].v > v do
    line[at + 1] = line[at]
    at = at - 1
  end
  line[at + 1] = one
  race.last = race.last + 1
end

-- The contestant stands elsewhere than the set says.
local function note_move(race, one)
  if not one.moved then
    one.moved = true
    race.changes = race.changes + 1
    race.changed[race.changes] = one
  end
end

-- Writes down where everybody stands now. Where one stands alone does not matter.
local function write_race(race)
  local scores, count = {}, 0
  for at = 1, race.changes do
    local one = race.changed[at]
    if one.moved and not race.alone then
      scores[count + 1], scores[count + 2] = string.format('%d', one.v), one.name
      count = count + 2
    end
    one.moved = false
  end
  each_slice(scores, 'ZADD', race.set)
  each_slice(race.gone, 'ZREM', race.set)
  race.changed, race.changes, race.gone = {}, 0, {}
end

local function read_race(race)
  write_race(race)
  local names, scores = nil, {}
  if race.exact then
    names = call('ZRANGE', race.set, 0, race.page - 1)
  else
    names = call('ZRANGE', race.set, 0, race.page - 1, 'WITHSCORES')
    for at = 1, #names / 2 do
      names[at], scores[at] = names[2 * at - 1], tonumber(names[2 * at])
    end
    for at = #names, #scores + 1, -1 do
      names[at] = nil
    end
  end
  local found, count = race.learn(names, scores), #names
  race.line, race.from, race.last = {}, 1, 0
  for at = 1, count do
    local one = found[at]
    if scores[at] and one.v > scores[at] then note_move(race, one) end
    enter_race(race, one)
  end
  race.more = count == race.page
  race.edge = race.more and (scores[count] or found[count].v)
  race.alone = count == 1 and not race.more and found[1]
end

local function first_of(race)
  while race.more and (race.from > race.last or race.line[race.from].v > race.edge) do
    read_race(race)
  end
  return race.line[race.from]
end

-- The first one takes no more part in this call.
local function leave_race(race)
  local one = race.line[race.from]
  race.line[race.from] = nil
  race.from = race.from + 1
  return one
end

-- The first one has moved on.
local function move_on(race, v)
  local one = leave_race(race)
  one.v = v
  note_move(race, one)
  enter_race(race, one)
end

-- The first one has nothing more to be served.
local function quit_race(race)
  local one = leave_race(race)
  one.moved = false
  race.gone[#race.gone + 1] = one.name
end
