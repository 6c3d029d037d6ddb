-- One step of a journal. Redis executes a script as a whole, or not at all. `claim` follows delivery/_claiming.py.
--
-- KEYS[1] is the prefix, which is a hash tag: on a cluster, all keys are in one slot. They are made here, since which
-- other messages a step touches is known only here. ARGV[1] names the step, ARGV[2] is the lease in seconds, and the
-- arguments of the step follow. Times come from this server's clock.
--
--   {prefix}:message:KEY       hash, one per message; see FIELDS
--   {prefix}:keys              sorted set: all keys, each with the score 0, so that they are in their own order
--   {prefix}:flight:NUMBER     hash: key -> look, of the messages in flight to one number
--   {prefix}:planned           sorted set: keys in flight by the end of their lease
--   {prefix}:started           the same, once their request may have left
--   {prefix}:unknown           sorted set: keys with the outcome unknown, by time of the attempt
--   {prefix}:no_guid:NUMBER    sorted set: keys that have an outcome and no GUID, by `until`; unknown ones at infinity
--   {prefix}:guids             hash: "NUMBER GUID" -> how many messages have it
--
-- A message that was kept back is in the first two alone: no row of the sent log is its own.
--
-- The client's library repeats a step whose answer was lost. So each call of a step has a nonce, which is kept with the
-- message: a repeated call finds its own and gets the same answer. When a message is handed to somebody else for
-- looking it up, the nonce is removed: a start that is repeated only then must not succeed.

local PREFIX, LEASE = KEYS[1], tonumber(ARGV[2])
local CORRECTION = 1  -- seconds
local FIELDS = {
  's',  -- state: planned, started, or an outcome: sent, refused, unknown, suppressed, expired
  'n',  -- number
  'f',  -- fingerprint
  'p',  -- precision
  'l',  -- look
  'a',  -- attempted_at
  'u',  -- until
  't',  -- token
  'g',  -- guid, if there is one
  'r',  -- reason, if there is one
}
-- And 'o', the nonce of the last step; and while it is in flight, 'd', the seconds of its lease.
local IN_FLIGHT = {planned = true, started = true}
local KEPT_BACK = {suppressed = true, expired = true}
local OPEN = {planned = true, started = true, unknown = true}
local call = redis.call

local time = call('TIME')
local now = time[1] + time[2] / 1000000

local function set(name) return PREFIX .. ':' .. name end
local function message(key) return PREFIX .. ':message:' .. key end
local function flight(number) return PREFIX .. ':flight:' .. number end
local function no_guid(number) return PREFIX .. ':no_guid:' .. number end

local function get(key, field) return call('HGET', message(key), field) end

local function entry(key)
  local values = call('HMGET', message(key), unpack(FIELDS))
  table.insert(values, 1, key)
  return values
end

local function begin_lease(key, state)
  call('HSET', message(key), 'd', LEASE)
  call('ZADD', set(state), now + LEASE, key)
end

-- Seconds that are left of a lease; 0 if it is over, also because the clock was set back by more than a correction.
local function lease_left(key, state)
  local left = tonumber(call('ZSCORE', set(state), key)) - now
  local whole = tonumber(get(key, 'd'))
  if left > 0 and left <= whole + CORRECTION then return math.min(left, whole) end
  return 0
end

local function hand_over(key)
  begin_lease(key, 'started')
  call('HDEL', message(key), 'o')
end

local function leave_flight(key, number)
  call('HDEL', flight(number), key)
  call('ZREM', set('planned'), key)
  call('ZREM', set('started'), key)
  call('HDEL', message(key), 'd')
end

local function leave_outcome(key, number, guid)
  call('ZREM', set('unknown'), key)
  call('ZREM', no_guid(number), key)
  local name = number .. ' ' .. (guid or '')
  if guid and call('HINCRBY', set('guids'), name, -1) <= 0 then call('HDEL', set('guids'), name) end
end

local function remove(key)
  local number, guid = get(key, 'n'), get(key, 'g')
  leave_flight(key, number)
  leave_outcome(key, number, guid)
  call('DEL', message(key))
  call('ZREM', set('keys'), key)
end

-- The message in flight that keeps this one from being claimed. A planned one whose lease is over is removed.
local function obstacle(key, number, look)
  local others = {}
  if IN_FLIGHT[get(key, 's')] then table.insert(others, key) end
  local looks = call('HGETALL', flight(number))
  for i = 1, #looks, 2 do
    local other_look = looks[i + 1]
    if looks[i] ~= key and (other_look == look or other_look == '' or look == '') then
      table.insert(others, looks[i])
    end
  end
  for _, other in ipairs(others) do
    local other_state = get(other, 's')
    local left = lease_left(other, other_state)
    if left > 0 then return {'busy', string.format('%.6f', left), unpack(entry(other))} end
    if other_state == 'started' then
      hand_over(other)
      return {'abandoned', '0', unpack(entry(other))}
    end
    remove(other)
  end
end

local function claim(key, number, fingerprint, precision, look, at, until_, token, nonce)
  local state = get(key, 's')
  if state and not IN_FLIGHT[state] and not KEPT_BACK[state] then return {'done', '0', unpack(entry(key))} end
  if not (state == 'planned' and get(key, 'o') == nonce) then
    local found = obstacle(key, number, look)
    if found then return found end
    if KEPT_BACK[state] then remove(key) end
    call('HSET', message(key), 's', 'planned', 'n', number, 'f', fingerprint, 'p', precision, 'l', look, 'a', at,
      'u', until_, 't', token, 'o', nonce)
    call('HSET', flight(number), key, look)
    call('ZADD', set('keys'), 0, key)
  end
  begin_lease(key, 'planned')
  return {'new', '0'}
end

local function each_claim(arguments, step)
  for i = 1, #arguments, 2 do
    local key, token = arguments[i], arguments[i + 1]
    local state = get(key, 's')
    if OPEN[state] and get(key, 't') == token then step(key, state) end
  end
end

local function entries(keys)
  local found = {}
  for i, key in ipairs(keys) do found[i] = entry(key) end
  return found
end

local steps = {}

function steps.claim(arguments)
  local answers = {}
  for i = 1, #arguments, 9 do
    table.insert(answers, claim(unpack(arguments, i, i + 8)))
  end
  return answers
end

function steps.start(arguments)
  local key, token, nonce, at = unpack(arguments)
  local state = get(key, 's')
  if get(key, 't') ~= token then return 0 end
  if state == 'started' and get(key, 'o') == nonce then return 1 end
  if state ~= 'planned' then return 0 end
  local until_ = get(key, 'u')
  if tonumber(at) > tonumber(until_) then until_ = at end
  call('HSET', message(key), 's', 'started', 'a', at, 'u', until_, 'o', nonce)
  call('ZREM', set('planned'), key)
  begin_lease(key, 'started')
  return 1
end

function steps.settle(arguments)
  local key, token, nonce, outcome, guid, reason = unpack(arguments)
  local state = get(key, 's')
  if get(key, 't') ~= token then return 0 end
  if state == outcome and get(key, 'o') == nonce then return 1 end
  if state == outcome or state == 'planned' or not OPEN[state] then return 0 end
  local number = get(key, 'n')
  leave_flight(key, number)
  leave_outcome(key, number, get(key, 'g'))
  call('HDEL', message(key), 'g', 'r')
  call('HSET', message(key), 's', outcome, 'o', nonce)
  -- A value has a sign before it, and None is an empty text.
  if guid ~= '' then
    guid = string.sub(guid, 2)
    call('HSET', message(key), 'g', guid)
    call('HINCRBY', set('guids'), number .. ' ' .. guid, 1)
  else
    call('ZADD', no_guid(number), outcome == 'unknown' and '+inf' or get(key, 'u'), key)
  end
  if reason ~= '' then call('HSET', message(key), 'r', string.sub(reason, 2)) end
  if outcome == 'unknown' then call('ZADD', set('unknown'), get(key, 'a'), key) end
  return 1
end

function steps.keep_back(arguments)
  local key, token, nonce, outcome, reason = unpack(arguments)
  local state = get(key, 's')
  if get(key, 't') ~= token then return 0 end
  if state == outcome and get(key, 'o') == nonce then return 1 end
  if state ~= 'planned' then return 0 end
  leave_flight(key, get(key, 'n'))
  call('HSET', message(key), 's', outcome, 'r', reason, 'o', nonce)
  return 1
end

function steps.withdraw(arguments)
  each_claim(arguments, remove)
end

function steps.renew(arguments)
  each_claim(arguments, function(key, state)
    if IN_FLIGHT[state] then begin_lease(key, state) end
  end)
end

function steps.release(arguments)
  each_claim(arguments, function(key, state)
    if IN_FLIGHT[state] then call('ZADD', set(state), now, key) end
  end)
end

function steps.abandoned(arguments)
  local limit = tonumber(arguments[1])
  local over = call('ZRANGEBYSCORE', set('started'), '-inf', now, 'LIMIT', 0, limit)
  -- If the clock was set back, those of before have the latest ends.
  for _, key in ipairs(call('ZREVRANGEBYSCORE', set('started'), '+inf', '(' .. string.format('%.17g', now), 'LIMIT', 0,
    limit - #over)) do
    if lease_left(key, 'started') == 0 then table.insert(over, key) end
  end
  for _, key in ipairs(over) do hand_over(key) end
  return entries(over)
end

function steps.unknown(arguments)
  return entries(call('ZRANGEBYSCORE', set('unknown'), arguments[1], '+inf'))
end

function steps.get(arguments)
  local key = arguments[1]
  return entries(get(key, 's') and {key} or {})
end

function steps.page(arguments)
  local after, limit = unpack(arguments)
  return entries(call('ZRANGEBYLEX', set('keys'), after, '+', 'LIMIT', 0, limit))
end

-- The token of a message with an outcome. Removing it takes that token: a repeated call cannot remove a later message.
function steps.settled(arguments)
  local key = arguments[1]
  local state = get(key, 's')
  return state and not IN_FLIGHT[state] and get(key, 't')
end

function steps.forget(arguments)
  local key, token = unpack(arguments)
  local state = get(key, 's')
  if state and not IN_FLIGHT[state] and get(key, 't') == token then remove(key) end
end

function steps.has(arguments)
  return call('HEXISTS', set('guids'), arguments[1] .. ' ' .. arguments[2])
end

function steps.without_guid(arguments)
  local number, since = unpack(arguments)
  local found = call('ZRANGEBYSCORE', no_guid(number), since, '+inf')
  for _, key in ipairs(call('HKEYS', flight(number))) do
    if get(key, 's') == 'started' then table.insert(found, key) end
  end
  return entries(found)
end

local arguments = {}
for i = 3, #ARGV do arguments[i - 2] = ARGV[i] end
return steps[ARGV[1]](arguments)
