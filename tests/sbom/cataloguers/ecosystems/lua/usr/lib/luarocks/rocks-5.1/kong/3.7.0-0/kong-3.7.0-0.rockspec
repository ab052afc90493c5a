package = "kong"
version = "3.7.0-0"
rockspec_format = "3.0"
description = {
  homepage = "https://x",
  license = "Apache 2.0"
}
dependencies = {
  "inspect == 3.1.3",
  "lua >= 5.1"
}
