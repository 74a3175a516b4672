-- Paces outlets: the arithmetic of `judge/gcra.rs` and of the pacer in memory, so that both give
-- the same answers for the same history.
--
-- KEYS[1]: what the keys begin with; `:` and an outlet's address follow. Each holds, in words:
-- the configured permits per second and burst; when what was taken would have arrived, in
-- microseconds and the nanoseconds beyond; when it was last asked for; and if it was throttled:
-- to how many per second, when, and until when nothing is granted. Instants are in microseconds.
--
-- ARGV: steps of six words: what to do, the outlet's address, and what it needs:
--   take: permits per second, burst, want, unused
--   throttle: for how many microseconds nothing is to be granted
--   consume: permits
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
local LONGEST_NS = 2 ^ 61
local MOST_PERMITS = 4294967295

local function load(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local words = {}
  for word in string.gmatch(text, '%S+') do words[#words + 1] = tonumber(word) end
  local outlet = {
    rate = words[1], burst = words[2],
    ahead = (words[3] - now) * 1000 + words[4],
    asked = words[5],
    slow = words[6], slowed_at = words[7], quiet_until = words[8],
  }
  outlet.keep_until = math.max(outlet.asked + IDLE, words[3])
  if outlet.slow then outlet.keep_until = math.max(outlet.keep_until, outlet.quiet_until + IDLE) end
  -- Its key may outlive it where the clock that counts is not the server's.
  if outlet.keep_until <= now and outlet.ahead <= 0 then return nil end
  return outlet
end

local function save(key, outlet)
  local micros = now + math.floor(outlet.ahead / 1000)
  local keep_until = math.max(outlet.asked + IDLE, micros + 1)
  local text = string.format('%.17g %.0f %.0f %.0f %.0f',
    outlet.rate, outlet.burst, micros, outlet.ahead % 1000, outlet.asked)
  if outlet.slow then
    keep_until = math.max(keep_until, outlet.quiet_until + IDLE)
    text = text .. string.format(' %.17g %.0f %.0f', outlet.slow, outlet.slowed_at, outlet.quiet_until)
  end
  redis.call('SET', key, text, 'PX', string.format('%.0f', math.max(math.ceil((keep_until - now) / 1000), 1)))
end

-- The rate in force, in permits per second.
local function in_force(outlet)
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
  local configured = interval_of(outlet.rate)
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

function steps.take(key, rate, burst, want, unused)
  local outlet = load(key) or { ahead = -now * 1000 }
  outlet.rate, outlet.burst, outlet.asked = tonumber(rate), tonumber(burst), now
  want = tonumber(want)
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
  end
  save(key, outlet)
end

function steps.throttle(key, quiet)
  local outlet = load(key)
  if not outlet then return end
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

function steps.rates(key)
  local outlet = load(key)
  if not outlet then return answer(false, false) end
  local rate, burst = in_force(outlet), outlet.burst
  if rate < outlet.rate then
    local interval, tolerance = gcra(outlet)
    burst = math.min(math.floor(tolerance / interval), MOST_PERMITS)
  end
  answer(string.format('%.17g', rate), string.format('%.0f', burst))
end

for at = 2, #ARGV, 6 do
  steps[ARGV[at]](KEYS[1] .. ':' .. ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
end
return answers
