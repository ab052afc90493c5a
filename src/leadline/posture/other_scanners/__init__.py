"""What other scanners call what our controls ask: one TOML file each, with its source.

``[same]`` has for each of their ids those of ours that ask the same, ``[wider]`` those that ask it among other things, so that
skipping them would skip more; ``[none]`` has the reason why nothing here asks it.
"""
