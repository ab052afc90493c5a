"""Frameworks out of files: those that come with the product, and those of users."""

from collections.abc import Sequence
from pathlib import Path

import leadline.posture
from leadline.errors import SourceError
from leadline.model.control import Control, Framework
from leadline.posture.catalogue import parse_framework


def load_frameworks(controls: Sequence[Control], files: str = "*") -> tuple[Framework, ...]:
    """The shipped frameworks of the files that match ``files``, by name.

    ``controls`` are what a framework of ``controls = "every"`` consists of.
    """
    folder = Path(leadline.posture.__path__[0]) / "frameworks"
    return tuple(
        sorted(
            (parse_framework(f.read_text("utf-8"), f.name, controls) for f in folder.glob(f"{files}.toml")),
            key=lambda f: f.name.lower(),
        )
    )


def framework_of(path: str, controls: Sequence[Control]) -> Framework:
    """A framework that the user wrote.

    Raises: ``SourceError`` where the file cannot be read, ``UsageError`` where it holds no framework.
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot read {path}: {reason.lower()}") from error
    return parse_framework(text, path, controls)
