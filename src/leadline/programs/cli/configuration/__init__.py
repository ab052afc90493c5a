"""``leadline.toml`` and ``LEADLINE_*``: what may be written there, where it is looked for, and what of it counts."""
