"""YAML as Kubernetes reads it: parsing, marks in the source, edits that keep everything else.

PyYAML is imported here, before any of our modules does: it compiles patterns for its parser in Python, which are 6 of the 10 ms
that it takes, and which libyaml does without.
"""

from leadline.packages.late_pattern import compiled_late

with compiled_late():
    import yaml as yaml
