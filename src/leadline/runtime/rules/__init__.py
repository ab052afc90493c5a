"""One file for each rule; ``runtime.rule`` says how a rule is written. Facts that rules share are in ``runtime.names``."""
