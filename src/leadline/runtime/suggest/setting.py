"""What is suggested of a manifest, and what is not."""

from typing import Any

from msgspec import Struct


class Setting(Struct, frozen=True):
    """One thing to write into a manifest."""

    path: tuple[str, ...]
    """From the container: ``securityContext``, ``readOnlyRootFilesystem``."""
    value: Any
    because: str
    """What was recorded."""
    if_wrong: str
    """What fails where the record is not all."""
    folders: tuple[str, ...] = ()
    """To be mounted as empty volumes along with it."""


class Left(Struct, frozen=True):
    """What is not suggested, and why."""

    what: str
    why: str
