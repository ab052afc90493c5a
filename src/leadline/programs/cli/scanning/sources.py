"""Where the objects of a scan come from: the one place that chooses among the sources."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from leadline.errors import UsageError
from leadline.model.control import Control
from leadline.programs.cli.scanning.reading import Reading, Say
from leadline.programs.cli.scanning.request import Request


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
    from leadline.sources.git.address import is_git_address

    return is_git_address(target)
