"""Rules that users bring in other languages, turned into ``Control`` values. Pure: what evaluates them is handed in."""
