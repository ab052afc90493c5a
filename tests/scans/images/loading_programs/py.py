"""Prints the files of every module that is loaded, once those that are named are imported or ``-m MODULE`` ran."""

import contextlib
import importlib
import json
import runpy
import sys
from pathlib import Path

if sys.argv[1:2] == ["-m"]:
    sys.argv = sys.argv[2:]
    with contextlib.suppress(SystemExit):
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    for name in sys.argv[1:]:
        importlib.import_module(name)
files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
rows = [line.split(None, 5) for line in Path("/proc/self/maps").read_text().splitlines()]
files |= {row[5].strip() for row in rows if len(row) > 5 and "x" in row[1]}
print(json.dumps(sorted(one for one in files if one and one.startswith("/"))))
