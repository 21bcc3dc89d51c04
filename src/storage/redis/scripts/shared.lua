-- What several scripts need; it stands before each of them.

-- Whether this run of Redis was told what the logs know (`generation.lua`), in the form in which markers are kept now: what a version
-- before has told counts for nothing.
local form = '2:'
local function serverRun() return form .. (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown') end
local function wasTold(generationKey) return redis.call('GET', generationKey) == serverRun() end

-- Milliseconds since the epoch, which are too large for Lua's own way of writing numbers.
local function nowMs()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function text(number) return string.format('%.0f', number) end

local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }

-- A field that holds nothing is left out.
local function some(value)
  if value ~= '' then return value end
end

-- A marker: a JSON object of text fields on one line, then the envelope (`e`, whose length stands in the object), then the
-- result (`r`). One string, since a hash takes three times the memory, and more than half of the time of a claim or settlement.
local function markerOf(value)
  if not value then return nil end
  local stop = string.find(value, '\n', 1, true)
  local marker = cjson.decode(string.sub(value, 1, stop - 1))
  local length = marker.e or 0
  if #value > stop + length then marker.r = string.sub(value, stop + length + 1) end
  if length > 0 then marker.e = string.sub(value, stop + 1, stop + length) end
  return marker
end
local function readMarker(key) return markerOf(redis.call('GET', key)) end
local function textOf(marker)
  local envelope, result = marker.e or '', marker.r or ''
  marker.e, marker.r = envelope ~= '' and #envelope or nil, nil
  return cjson.encode(marker) .. '\n' .. envelope .. result
end
-- What follows the marker: nothing when it stays for good, else what SET takes: 'KEEPTTL', or 'PX' or 'PXAT' and a number.
local function writeMarker(key, marker, ...) redis.call('SET', key, textOf(marker), ...) end
-- The texts of many markers by their keys, which stand from `first` to `last`: a script calls Redis once for all, since calls are
-- most of what it costs. Whoever writes one keeps the table up to date: a key may come twice.
local function readTexts(first, last)
  local texts = {}
  for at, value in ipairs(redis.call('MGET', unpack(KEYS, first, last))) do texts[KEYS[first + at - 1]] = value end
  return texts
end

-- What has become of an attempt that was claimed once and has a home in the schedule (`look.lua`): 'running', also while it is
-- reaped | 'waiting', given back or unknown | 'over'.
local function standingOf(status, current, attempt)
  if not status then return 'waiting' end
  if terminal[status] or current > attempt then return 'over' end
  return (status == 'running' or status == 'reaping') and 'running' or 'waiting'
end

-- The ids that an idempotency key stood for before: told apart by line ends, which no id holds.
local earlierIds = 32
local function isAmong(id, earlier) return string.find('\n' .. earlier, '\n' .. id .. '\n', 1, true) ~= nil end
-- Newest first; one that comes again is not named twice.
local function earlierWith(id, earlier)
  if isAmong(id, earlier) then return earlier end
  local ids = { id }
  for each in string.gmatch(earlier, '[^\n]+') do
    if #ids < earlierIds then ids[#ids + 1] = each end
  end
  return table.concat(ids, '\n') .. '\n'
end
