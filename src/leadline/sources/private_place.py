"""Whether what was kept for a later scan can have been changed by someone else in between.

A mode shows access lists too: what one of them lets others write, the bits of the group let at least as much.
"""

import os

_GROUP_WRITES, _ALL_WRITE = 0o020, 0o002


def why_not_private(status: os.stat_result) -> str:
    """Why others than this user and the superuser can write there; empty where they cannot."""
    own = getattr(os, "geteuid", lambda: status.st_uid)()
    if status.st_uid not in (0, own):
        return f"it belongs to another user (id {status.st_uid})"
    # A group with the number of its user is that user's alone, as the umask 002 of some systems takes for granted.
    unwanted = _ALL_WRITE if status.st_gid == status.st_uid else _ALL_WRITE | _GROUP_WRITES
    if status.st_mode & unwanted:
        return f"others than its owner can write to it (mode {status.st_mode & 0o777:03o})"
    return ""
