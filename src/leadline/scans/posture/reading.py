"""What a source hands over to a scan."""

from collections.abc import Mapping

from msgspec import Struct

from leadline.model.finding import Skip
from leadline.model.report import Target
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.rows.place import Places
from leadline.sources.yaml.parser import LIMITS

STDIN = "-"
LONGEST_STDIN = LIMITS.size_bytes
"""Bytes that are read of standard input; what is longer is refused."""


class Reading(Struct, frozen=True):
    """What was read of the target, and what was not."""

    target: Target
    resources: tuple[Resource, ...]
    places: Places
    unread: tuple[Unread, ...] = ()
    """With paths as the user would open them."""
    notes: tuple[str, ...] = ()
    """Oddities worth a line on stderr."""
    not_kubernetes: int = 0
    files: int = 0
    ignored: int = 0
    """Files and folders that ignore files and excluded paths left out."""
    left_out: tuple[Unread, ...] = ()
    """What was passed over by choice: named, with paths as the user would open them."""
    rendering: str = ""
    """How git and the renderers were confined; empty where none was started."""
    renderers: tuple[str, ...] = ()
    """The programs that rendered, with their versions."""
    charts: int = 0
    kustomizations: int = 0
    is_whole: bool = False
    """Whether the target is a whole cluster."""
    skips: tuple[Skip, ...] = ()
    """Controls that what was read is not enough for; they are not asked."""
    checkout: str = ""
    """The folder of the checkout that files are relative to; empty where they are as the user would open them."""
    signatures: Mapping[str, str] | None = None
    """As ``Facts.signatures``."""
