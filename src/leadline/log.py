"""The loggers of modules that nearly never log.

``logging`` is imported when the first of them speaks: it costs a third of a bare start of Python.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def log_of(name: str) -> "Logger":
    """The logger called ``name``. What it says is silent unless the program set up a handler."""
    import logging

    ours = logging.getLogger("leadline")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
    return logging.getLogger(name)
