"""A folder that goes away however its user leaves it: at the end or by an error, Ctrl-C among them.

A signal that ends the process on the spot leaves it there, unless the program turns it into an exception.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new empty folder, free of links in its path, readable by this user alone."""
    with tempfile.TemporaryDirectory(prefix="leadline-", ignore_cleanup_errors=True) as folder:
        yield Path(os.path.realpath(folder))
