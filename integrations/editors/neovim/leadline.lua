-- Findings of Leadline while typing, for Neovim 0.7 and later: `:luafile` it, or `require` it from your own configuration.
local M = {}

M.filetypes = { yaml = true, json = true, helm = true, dockerfile = true, ["yaml.helm-values"] = true }
M.command = { "leadline", "lsp" }
-- Render charts and run your own controls: only where you trust what is in the folder.
M.trusted = false

local function folder_of(file)
  local marks = { "leadline.toml", ".git" }
  local found = vim.fs and vim.fs.find and vim.fs.find(marks, { upward = true, path = vim.fn.fnamemodify(file, ":h") })[1]
  if found then
    return vim.fn.fnamemodify(found, ":h")
  end
  for _, mark in ipairs(marks) do
    local path = vim.fn.finddir(mark, vim.fn.fnamemodify(file, ":h") .. ";")
    path = path ~= "" and path or vim.fn.findfile(mark, vim.fn.fnamemodify(file, ":h") .. ";")
    if path ~= "" then
      return vim.fn.fnamemodify(vim.fn.fnamemodify(path, ":p"):gsub("/$", ""), ":h")
    end
  end
  return vim.fn.fnamemodify(file, ":p:h")
end

M.clients = {}

function M.attach(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  if file == "" or not M.filetypes[vim.bo[buffer].filetype] then
    return
  end
  local folder = folder_of(file)
  if not M.clients[folder] then
    M.clients[folder] = vim.lsp.start_client({
      name = "leadline",
      cmd = M.command,
      root_dir = folder,
      workspace_folders = { { uri = vim.uri_from_fname(folder), name = vim.fn.fnamemodify(folder, ":t") } },
      init_options = { trusted = M.trusted },
      on_exit = function()
        M.clients[folder] = nil
      end,
    })
  end
  if M.clients[folder] then
    vim.lsp.buf_attach_client(buffer, M.clients[folder])
  end
end

function M.setup(options)
  for key, value in pairs(options or {}) do
    M[key] = value
  end
  local group = vim.api.nvim_create_augroup("leadline", {})
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    callback = function(event)
      M.attach(event.buf)
    end,
  })
end

return M
