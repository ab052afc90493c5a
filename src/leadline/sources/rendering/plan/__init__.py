"""What both renderers build on: who renders which file, what it may cost, and the form of what comes of it."""
