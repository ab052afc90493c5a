"""YAML as Kubernetes reads it: parsing, marks in the source, edits that keep everything else.

PyYAML's files in Python compile patterns that its parser in C does without. Imported here before any other file of this room
asks for it, it compiles each where it is used: half of what its import takes, and a twentieth of the scan of one file.
"""

import re
import sys
from importlib import import_module

from leadline.late_modules import LateModule
from leadline.late_pattern import late_pattern

PUBLIC_MODULES = ("edit", "errors", "json", "parser", "scalars")

sys.modules["re"] = LateModule("re", **{**vars(re), "compile": late_pattern})
try:
    import_module("yaml")
finally:
    sys.modules["re"] = re
