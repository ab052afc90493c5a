"""The rules, in files of one topic; ``runtime.rule`` says how a rule is written. Facts that rules share are in ``runtime.names``."""
