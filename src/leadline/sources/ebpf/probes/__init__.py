"""One probe per pair of files: ``NAME.bpf.c`` is what runs in the kernel, ``NAME.py`` makes events of its records.

Entries import ``probe`` and ``model`` and no other entry.
"""
