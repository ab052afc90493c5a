"""Whether a file is still the one that was read."""

import os
from collections.abc import Mapping

SETTLED_NS = 2_000_000_000
"""Longer than a tick of any clock that file systems set their times by."""


def file_stamp(status: os.stat_result) -> str:
    """Changes whenever the file does: only the superuser of a stopped clock sets the time of a change."""
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def are_unchanged(stamps: Mapping[str, str], before_ns: int | None = None) -> bool:
    """Whether every path has its stamp.

    With ``before_ns`` (since 1970) none may have changed since shortly before that moment either: what was read
    after it is what the stamps stand for.
    """
    try:
        for path, stamp in stamps.items():
            status = os.stat(path)  # noqa: PTH116 - as above
            if file_stamp(status) != stamp:
                return False
            if before_ns is not None and status.st_ctime_ns > before_ns - SETTLED_NS:
                return False
    except (OSError, ValueError):
        return False
    return True
