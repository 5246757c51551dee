-- KEYS: documents, meta, index, once, state.
-- ARGV: layout, token of the change, then for each record: filing (JSON, filing.ts), document, document that must stand there now or ''.
-- All records are written, or none. Everything is read and checked before the first write, types of keys included.
-- Answers `done`, or why not: `layout`, `changed`, `moved`, `reference`, `taken` with the code that its rule has.

local DOCUMENTS, META, INDEX, ONCE, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local layout, token = ARGV[1], ARGV[2]

redis.call('HLEN', DOCUMENTS)
redis.call('ZCARD', INDEX)
redis.call('HLEN', ONCE)
if redis.call('HGET', STATE, 'layout') ~= layout then return { 'layout' } end

-- What is written, by key; `held` says which of them has a value that exists once, `owned` which of them are at a place of one owner.
local new, documents, old, order, held, owned = {}, {}, {}, {}, {}, {}

local function stored(key)
  local text = redis.call('HGET', META, key)
  return text and cjson.decode(text) or nil
end

local function known(key)
  return new[key] or stored(key)
end

local function holder(value)
  if held[value] then return held[value] end
  local key = redis.call('HGET', ONCE, value)
  -- One of those that are written now would stand in `held` if it still had the value.
  return key and not new[key] and key or nil
end

local function is_others(place, needle, key)
  for _, other in ipairs(owned[place] or {}) do
    if other.key ~= key and other.needle ~= needle then return true end
  end
  local after = string.sub(place, 1, -2) .. ' '
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', INDEX, '[' .. place, '(' .. after)) do
    local id = string.match(entry, '^[^\31]*\31([^\31]*)\31', #place + 1)
    local other = string.match(place, '^[^\31]*') .. '\31' .. (id or '')
    if other ~= key and not new[other] and not string.find(entry, needle, 1, true) then return true end
  end
  return false
end

-- What it takes the place of leaves: in what was stored, or in what an earlier record of this write has put there.
local function replace(key, before)
  if not new[key] then
    old[key] = before or false
    order[#order + 1] = key
    return
  end
  for _, rule in ipairs(new[key].once) do held[rule[1]] = nil end
  for _, others in pairs(owned) do
    for index = #others, 1, -1 do
      if others[index].key == key then table.remove(others, index) end
    end
  end
end

local function leads_to(ref, must_be)
  local target = known(ref[1])
  if not target then return not must_be end
  for index = 2, #ref do
    if target.scope == ref[index] then return true end
  end
  return false
end

-- In the order in which SQLite finds out: triggers, keys, references.
local function refusal(filing, document, expected)
  local key = filing.key
  local before = known(key)
  if expected ~= '' and (documents[key] or redis.call('HGET', DOCUMENTS, key)) ~= expected then return { 'changed' } end
  replace(key, before)
  new[key], documents[key] = filing, document
  local place, needle, code = filing.owner[1], filing.owner[2], filing.owner[3]
  if place then
    local was_others = before and before.scope ~= filing.scope and before.owner[1] == place
    if was_others or is_others(place, needle, key) then return { 'taken', code } end
    owned[place] = owned[place] or {}
    table.insert(owned[place], { key = key, needle = needle })
  end
  for _, ref in ipairs(filing.refs) do
    if string.sub(ref[1], 1, 7) == 'trunks\31' and not leads_to(ref, false) then return { 'reference' } end
  end
  if before and (before.scope ~= filing.scope or before.time ~= filing.time) then return { 'moved' } end
  for _, rule in ipairs(filing.once) do
    local other = holder(rule[1])
    if other and other ~= key then return { 'taken', rule[2] } end
    held[rule[1]] = key
  end
  for _, ref in ipairs(filing.refs) do
    if not leads_to(ref, true) then return { 'reference' } end
  end
  return nil
end

local texts = {}
for index = 3, #ARGV, 3 do
  local filing = cjson.decode(ARGV[index])
  local refused = refusal(filing, ARGV[index + 1], ARGV[index + 2])
  if refused then return refused end
  texts[filing.key] = ARGV[index]
end

-- First what a server without memory refuses: after it has let a script write once it lets it write on.
for _, key in ipairs(order) do
  redis.call('HSET', STATE, 'changed:' .. string.match(key, '^[^\31]*'), token)
end
for _, key in ipairs(order) do
  if old[key] then
    for _, entry in ipairs(entries_of(old[key])) do redis.call('ZREM', INDEX, entry) end
    for _, rule in ipairs(old[key].once) do
      if redis.call('HGET', ONCE, rule[1]) == key then redis.call('HDEL', ONCE, rule[1]) end
    end
  end
end
for _, key in ipairs(order) do
  redis.call('HSET', DOCUMENTS, key, documents[key])
  redis.call('HSET', META, key, texts[key])
  for _, entry in ipairs(entries_of(new[key])) do redis.call('ZADD', INDEX, 0, entry) end
  for _, rule in ipairs(new[key].once) do redis.call('HSET', ONCE, rule[1], key) end
end
return { 'done' }
