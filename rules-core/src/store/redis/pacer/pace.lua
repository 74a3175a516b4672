-- Paces outlets: the arithmetic of `judge/gcra.rs` and of the pacer in memory, so that both give
-- the same answers for the same history.
--
-- KEYS[1]: what the keys begin with; `:` and an outlet's address follow. Each holds, in words:
-- the configured permits per second and burst; when what was taken would have arrived, in
-- microseconds and the nanoseconds beyond; when it was last asked for; and if it was throttled:
-- to how many per second, when, and until when nothing is granted; and if it learns: the nine parts
-- of a `LearnedRate`, in the order in which they stand there. Instants are in microseconds, -1 is none.
--
-- ARGV: steps of six words: what to do, the outlet's address, and what it needs:
--   take, or learn for a rate that is to be learnt: permits per second, burst, want, unused
--   throttle: for how many microseconds nothing is to be granted
--   consume: permits
--   limit: permits per second
--   rates
--
-- Returns the instant that counts; then for each `take` how many were granted, and in how many
-- nanoseconds the next can be had, or 0; for each `rates` permits per second and burst, or nil and
-- nil.
--
-- Distances are nanoseconds from now: as far as 104 days they are exact.

local RECOVERY = 0.05
local HALVED_AT_MOST_EVERY = 1000000
local SLOWEST = 1
local MOST_DEBT_NS = 1000000000
local IDLE = 3600000000
local LEARNT_KEPT = 24 * IDLE
local LONGEST_NS = 2 ^ 61
local MOST_PERMITS = 4294967295

-- As in `judge/learned_rate.rs`, which says why.
local LONG_HOLD, SHORT_HOLD, RAMP, MARGIN, CHANGE = 980, 40, 40, 0.005, 0.03
local STORE, BLIND_CUT, FLOOR, CEILING, REST, ECHO = 2, 0.9, 0.05, 10, 2, 500000

local function expecting(per_second)
  return {
    expected = per_second, told = 0, base = per_second, hold = LONG_HOLD, wanted = 0, passed = 0,
    steadily = 1, refused = -1, short = -1,
  }
end

local function raise(learned, back)
  local raised = 1 + math.max(learned.wanted - learned.hold - back, 0) / RAMP
  return math.min(raised, CEILING * learned.expected / learned.base)
end

local function learned_interval(learned)
  return 1000000 / (learned.base * raise(learned, 0))
end

local function would_be_an_echo(learned)
  if learned.refused < 0 then return false end
  local since = now - learned.refused
  return since < 0 or since < math.max(ECHO, REST * learned_interval(learned))
end

local function learn_grant(learned, granted, want)
  if granted < want then learned.short = now end
  if granted == 0 then return end
  local since_short = learned.short < 0 and math.huge or math.max(now - learned.short, 0)
  if 2 * learned_interval(learned) < since_short then
    learned.steadily = 0
  elseif not would_be_an_echo(learned) then
    learned.wanted = learned.wanted + granted
  end
  learned.passed = learned.passed + granted
end

local function after_refusal(learned, burst)
  local raised = raise(learned, 0)
  local pace = learned.base * raised
  local seen_to_pass = raise(learned, math.sqrt(2 * (burst + STORE) * RAMP * raised))
  if 1 + CHANGE < seen_to_pass then return learned.base * seen_to_pass end
  if learned.refused >= 0 and learned.steadily == 1 then
    local seconds = math.max(now - learned.refused, 1) / 1000000
    local margin = math.max(1 / (learned.passed + 1), MARGIN)
    local seen = learned.passed / seconds * (1 - margin)
    seen = math.min(math.max(seen, pace / 2), pace)
    if math.sqrt(2 * RAMP * raised) < learned.wanted - learned.hold then return math.max(seen, learned.base) end
    return seen
  end
  if 1 < raised then return learned.base end
  return learned.base * BLIND_CUT
end

-- Until when nothing is granted, or nil for an echo.
local function learn_refusal(learned, burst, rest)
  learned.passed = math.max(learned.passed - 1, 0)
  if would_be_an_echo(learned) then return nil end
  local before = learned.base
  local base = after_refusal(learned, burst)
  learned.base = math.min(math.max(base, FLOOR * learned.expected), CEILING * learned.expected)
  local changed = math.abs(learned.base - before) > CHANGE * before
  learned.hold = changed and SHORT_HOLD or math.min(2 * learned.hold, LONG_HOLD)
  learned.wanted, learned.passed, learned.steadily = 0, 0, 1
  local least = math.ceil(REST * learned_interval(learned))
  local until_us = now + math.max(least, rest)
  learned.refused, learned.short = math.max(until_us - least, 0), until_us
  return until_us
end

local function load(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local words = {}
  for word in string.gmatch(text, '%S+') do words[#words + 1] = tonumber(word) end
  local outlet = {
    rate = words[1], burst = words[2],
    ahead = (words[3] - now) * 1000 + words[4],
    asked = words[5],
  }
  local kept = IDLE
  if words[9] then
    kept = LEARNT_KEPT
    outlet.learned = {
      expected = words[9], told = words[10], base = words[11], hold = words[12], wanted = words[13],
      passed = words[14], steadily = words[15], refused = words[16], short = words[17],
    }
  end
  outlet.keep_until = math.max(outlet.asked + kept, words[3])
  if words[6] and words[6] >= 0 then
    outlet.slow, outlet.slowed_at, outlet.quiet_until = words[6], words[7], words[8]
    outlet.keep_until = math.max(outlet.keep_until, outlet.quiet_until + kept)
  end
  -- Its key may outlive it where the clock that counts is not the server's.
  if outlet.keep_until <= now and outlet.ahead <= 0 then return nil end
  return outlet
end

local function save(key, outlet)
  local micros = now + math.floor(outlet.ahead / 1000)
  local kept = outlet.learned and LEARNT_KEPT or IDLE
  local keep_until = math.max(outlet.asked + kept, micros + 1)
  local text = string.format('%.17g %.0f %.0f %.0f %.0f',
    outlet.rate, outlet.burst, micros, outlet.ahead % 1000, outlet.asked)
  if outlet.slow then
    keep_until = math.max(keep_until, outlet.quiet_until + kept)
    text = text .. string.format(' %.17g %.0f %.0f', outlet.slow, outlet.slowed_at, outlet.quiet_until)
  elseif outlet.learned then
    text = text .. ' -1 -1 -1'
  end
  local learned = outlet.learned
  if learned then
    text = text .. string.format(' %.17g %d %.17g %.0f %.0f %.0f %d %.0f %.0f', learned.expected, learned.told,
      learned.base, learned.hold, learned.wanted, learned.passed, learned.steadily, learned.refused,
      learned.short)
  end
  redis.call('SET', key, text, 'PX', string.format('%.0f', math.max(math.ceil((keep_until - now) / 1000), 1)))
end

-- The rate in force, in permits per second.
local function in_force(outlet)
  if outlet.learned then return outlet.learned.base * raise(outlet.learned, 0) end
  if not outlet.slow then return outlet.rate end
  local micros = math.max(now - outlet.quiet_until, 0)
  local seconds = math.floor(micros / 1000000) + micros % 1000000 * 1000 / 1000000000
  return math.min(outlet.slow + RECOVERY * outlet.rate * seconds, outlet.rate)
end

local function interval_of(per_second)
  if not (per_second > 0) then return LONGEST_NS end
  return math.min(math.max(math.ceil(1000000000 / per_second), 1), LONGEST_NS)
end

-- The distance between two permits and the tolerance, in force, and the distance as configured.
local function gcra(outlet)
  local configured = interval_of(outlet.learned and in_force(outlet) or outlet.rate)
  local interval = math.max(interval_of(in_force(outlet)), configured)
  return interval, math.max(configured * math.max(outlet.burst, 1), interval), configured
end

local function bounded(ahead, tolerance)
  return math.min(ahead, math.max(tolerance, MOST_DEBT_NS))
end

local answers = { now }
local function answer(first, second)
  answers[#answers + 1], answers[#answers + 2] = first, second
end

local steps = {}

local function take(key, outlet, want, unused)
  want = tonumber(want)
  local learned = outlet.learned
  if learned then
    learned.wanted = math.max(learned.wanted - unused, 0)
    learned.passed = math.max(learned.passed - unused, 0)
  end
  local interval, tolerance, configured = gcra(outlet)
  outlet.ahead = math.max(bounded(outlet.ahead, tolerance) - configured * unused, -now * 1000)
  if outlet.slow and now < outlet.quiet_until then
    answer(0, want > 0 and (outlet.quiet_until - now) * 1000 or 0)
  else
    local ahead = math.max(outlet.ahead, 0)
    local room = math.floor(math.max(tolerance - ahead, 0) / interval)
    local granted = math.min(want, room, MOST_PERMITS)
    outlet.ahead = ahead + interval * granted
    answer(granted, granted < want and math.min(outlet.ahead + interval - tolerance, 2 ^ 62) or 0)
    if learned then learn_grant(learned, granted, want) end
  end
  save(key, outlet)
end

function steps.take(key, rate, burst, want, unused)
  local outlet = load(key) or { ahead = -now * 1000 }
  outlet.rate, outlet.burst, outlet.asked, outlet.learned = tonumber(rate), tonumber(burst), now, nil
  take(key, outlet, want, unused)
end

function steps.learn(key, rate, burst, want, unused)
  local outlet = load(key) or { ahead = -now * 1000 }
  rate = tonumber(rate)
  if not outlet.learned or rate ~= outlet.rate then
    outlet.learned, outlet.slow = expecting(rate), nil
  end
  outlet.rate, outlet.burst, outlet.asked = rate, tonumber(burst), now
  take(key, outlet, want, unused)
end

function steps.throttle(key, quiet)
  local outlet = load(key)
  if not outlet then return end
  if outlet.learned then
    local until_us = learn_refusal(outlet.learned, outlet.burst, tonumber(quiet))
    if until_us then
      local interval, tolerance = gcra(outlet)
      outlet.ahead = (until_us - now) * 1000 + tolerance - interval
      outlet.slow, outlet.slowed_at, outlet.quiet_until = outlet.rate, until_us, until_us
    end
    return save(key, outlet)
  end
  local quiet_until = now + quiet
  local quiet_before = outlet.quiet_until or quiet_until
  if not outlet.slow or now - outlet.slowed_at >= HALVED_AT_MOST_EVERY then
    local halved = math.max(in_force(outlet) / 2, SLOWEST)
    outlet.slow, outlet.slowed_at = math.min(halved, outlet.rate), now
  end
  outlet.quiet_until = math.max(quiet_until, quiet_before)
  save(key, outlet)
end

function steps.consume(key, permits)
  local outlet = load(key)
  if not outlet then return end
  local interval, tolerance = gcra(outlet)
  outlet.ahead = bounded(math.max(outlet.ahead, 0) + interval * permits, tolerance)
  save(key, outlet)
end

function steps.limit(key, per_second)
  local outlet = load(key)
  if not (outlet and outlet.learned) then return end
  per_second = tonumber(per_second)
  local learned = outlet.learned
  if learned.told == 0 or math.abs(learned.expected - per_second) > 1e-9 then
    outlet.learned = expecting(per_second)
    outlet.learned.told, outlet.learned.short = 1, learned.short
  end
  save(key, outlet)
end

function steps.rates(key)
  local outlet = load(key)
  if not outlet then return answer(false, false) end
  local rate, burst = in_force(outlet), outlet.burst
  if rate < outlet.rate and not outlet.learned then
    local interval, tolerance = gcra(outlet)
    burst = math.min(math.floor(tolerance / interval), MOST_PERMITS)
  end
  local learns = outlet.learned and ' learns' or ''
  answer(string.format('%.17g', rate), string.format('%.0f%s', burst, learns))
end

for at = 2, #ARGV, 6 do
  steps[ARGV[at]](KEYS[1] .. ':' .. ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
end
return answers
