"""The stored kinds: each a Struct and a ``Kind``, in one file for each family. See ``docs/decisions/stored-results.md``."""
