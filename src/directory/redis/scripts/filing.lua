-- What every script that writes knows of a filing (filing.ts): the entries of the index that it stands for.

local function entries_of(filing)
  local entries = {}
  for _, place in ipairs(filing.at) do entries[#entries + 1] = place .. '\31' .. filing.tail end
  for _, ref in ipairs(filing.refs) do entries[#entries + 1] = 'ref\31' .. ref[1] .. '\31' .. filing.key end
  return entries
end

