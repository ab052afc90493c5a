-- Does in a real Neovim what a person would, and prints what came of it as one line of JSON.
local leadline = dofile(vim.env.PLUGIN)
leadline.setup({ command = { vim.env.PYTHON, "-m", "leadline.programs.cli.main", "lsp" } })
vim.cmd("edit " .. vim.env.FILE)
vim.bo.filetype = "yaml"
local said = {}
local function ids()
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    found[#found + 1] = one.code
  end
  return found
end
local function has(id)
  return table.concat(ids(), ","):find(id, 1, true) ~= nil
end
vim.wait(60000, function() return has("C-0034") end, 20)
said.before = ids()
local line
for _, one in ipairs(vim.diagnostic.get(0)) do
  if one.code:find("C-0034", 1, true) then line = one.lnum + 1 end
end
vim.api.nvim_win_set_cursor(0, { line, 2 })
local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", vim.lsp.util.make_position_params(), 30000)
for _, one in pairs(hover) do said.hover = one.result.contents.value end
local params = vim.lsp.util.make_range_params()
params.context = { diagnostics = {} }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 30000)) do
  for _, action in ipairs(answer.result) do
    if action.isPreferred and action.title:find("automountServiceAccountToken", 1, true) then
      said.action = action.title
      vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
    end
  end
end
vim.wait(30000, function() return not has("C-0034") end, 20)
said.after = ids()
vim.cmd("silent write")
io.stdout:write("SAID " .. vim.fn.json_encode(said) .. "\n")
vim.cmd("qa!")
