"""Where the objects of a scan come from: the one place that chooses among the sources."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.control import Control
from leadline.model.finding import Skip, Unread
from leadline.model.report import Target
from leadline.model.resource import Resource
from leadline.outputs.place import Places
from leadline.programs.cli.scanning.request import Request

STDIN = "-"
Say = Callable[[str], None]
"""Shows a waiting user what is being done."""


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
    """Files and folders that ignore files and ``--exclude-path`` left out."""
    charts: int = 0
    kustomizations: int = 0
    is_whole: bool = False
    """Whether the target is a whole cluster."""
    skips: tuple[Skip, ...] = ()
    """Controls that what was read is not enough for; they are not asked."""


@contextmanager
def read(request: Request, controls: Sequence[Control], say: Say) -> Iterator[Reading]:
    """Reads what the request names; what was fetched for it is gone when the block is left.

    Raises: ``SourceError`` where it cannot be read at all, ``UsageError`` where it makes no sense.
    """
    if not request.targets:
        from leadline.programs.cli.scanning.cluster_source import read_cluster_of

        yield read_cluster_of(request, controls, say)
        return
    addresses = [target for target in request.targets if "://" in target or _is_address(target)]
    if not addresses:
        from leadline.programs.cli.scanning.file_source import read_files

        yield read_files(request, request.targets)
        return
    if len(request.targets) > 1:
        raise UsageError("a repository is scanned alone", hint="give each address a scan of its own")
    from leadline.programs.cli.scanning.git_source import read_repository

    with read_repository(request, addresses[0], say) as reading:
        yield reading


def _is_address(target: str) -> bool:
    """Whether ``target`` is one like ``git@host:path``; only then the reader of addresses is worth its import."""
    if "@" not in target or ":" not in target:
        return False
    from leadline.sources.git_address import is_git_address

    return is_git_address(target)
