"""Who can do what: one target is read once, and each question is answered from what was read.

An answer names what was not read, and then speaks of "at least these": a role or binding that was not seen may give more.
"""
