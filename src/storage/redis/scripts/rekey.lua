-- Makes entries of idempotency keys anew from activities that the log has, and keeps cancelled ones from running whose lane
-- record still waits. A key stands for the activity that is last by the time at which it was made, then by id; the others
-- are remembered as earlier ones (`p`, as in `reserve.lua`). `ra` marks what was made here: time|id. What was reserved since
-- has no `ra` of its id and stays, unless its own id says that it is older than the other by more than clocks differ: then
-- Redis came back with an older state. Doing it again changes nothing.
--
-- KEYS  1 unseen counts · then per item: marker, key entry (or the marker again)
-- ARGV  1 clocks differ by at most, ms · then per item 6: id, madeAtMs, expiresAtMs, how it ended by the log ('succeeded' |
--       'unsuccessful' | ''), type|priority, its lane record: '1' waits · '?' may wait, or may have been seen · '' nothing is known
-- Reply: how many keys were written, how many activities turned out to be cancelled and waiting, then ids of those that were cancelled and
--        may wait
local now = nowMs()
local states = { completed = 'succeeded', failed = 'unsuccessful', dead_letter = 'unsuccessful', cancelled = 'unsuccessful' }
local written, waiting, undecided = 0, 0, {}

local function uuidTime(id)
  local high, low = string.match(id, '^(%x%x%x%x%x%x%x%x)%-(%x%x%x%x)%-7')
  return high and tonumber(high .. low, 16)
end

local function isLater(madeAt, id, entry)
  local at, of = string.match(entry[4] or '', '^(%d+)|(.*)$')
  if of == entry[1] then return madeAt > tonumber(at) or (madeAt == tonumber(at) and id > of) end
  local reservedAt = uuidTime(entry[1])
  return reservedAt and madeAt > reservedAt + tonumber(ARGV[1])
end

-- Newest first: ids that tell their time sort by it.
local function sortedWith(id, earlier)
  if isAmong(id, earlier) then return earlier end
  local ids = { id }
  for each in string.gmatch(earlier, '[^\n]+') do ids[#ids + 1] = each end
  table.sort(ids, function(a, b) return a > b end)
  return table.concat(ids, '\n', 1, math.min(#ids, earlierIds)) .. '\n'
end

local function put(key, id, state, madeAtText, expiresAt)
  redis.call('HSET', key, 'id', id, 'st', state, 'ra', madeAtText .. '|' .. id)
  redis.call('PEXPIREAT', key, expiresAt)
  written = written + 1
end

local function enter(key, id, madeAtText, expiresAt, state)
  local entry = redis.call('HMGET', key, 'id', 'st', 'p', 'ra')
  if not entry[1] then
    put(key, id, state, madeAtText, expiresAt)
  elseif entry[1] == id then
    if state ~= 'active' and entry[2] ~= state then redis.call('HSET', key, 'st', state) end
    local isOurs = entry[4] == madeAtText .. '|' .. id
    if isOurs and redis.call('PTTL', key) < expiresAt - now then redis.call('PEXPIREAT', key, expiresAt) end
  elseif entry[2] ~= 'reserved' and isLater(tonumber(madeAtText), id, entry) then
    redis.call('HSET', key, 'p', sortedWith(entry[1], entry[3] or ''))
    put(key, id, state, madeAtText, expiresAt)
  else
    redis.call('HSET', key, 'p', sortedWith(id, entry[3] or ''))
  end
end

for i = 2, #KEYS, 2 do
  local at = 1 + ((i - 2) / 2) * 6
  local id, expiresAt = ARGV[at + 1], tonumber(ARGV[at + 3])
  local marker = readMarker(KEYS[i]) or {}
  if marker.s == 'cancelled' and marker.u then
    if ARGV[at + 6] == '1' then
      marker.u = nil
      writeMarker(KEYS[i], marker)
      redis.call('HINCRBY', KEYS[1], ARGV[at + 5], 1)
      waiting = waiting + 1
    elseif ARGV[at + 6] == '?' then
      undecided[#undecided + 1] = id
    end
  end
  if KEYS[i + 1] ~= KEYS[i] and expiresAt > now then
    local state = states[marker.s or ''] or (ARGV[at + 4] ~= '' and ARGV[at + 4]) or 'active'
    enter(KEYS[i + 1], id, ARGV[at + 2], expiresAt, state)
  end
end
return { written, waiting, unpack(undecided) }
