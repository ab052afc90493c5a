{application, kernel,
 [
  {description, "ERTS  CXC 138 10"},
  {vsn, "8.5.2"},
 {modules, []}]}.
