"""Where the objects of a scan come from: the one place that chooses among the sources."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from leadline.errors import UsageError
from leadline.model.control import BuiltControl
from leadline.scans.options import PostureOptions
from leadline.scans.posture.reading import Reading


@contextmanager
def read(
    targets: Sequence[str], options: PostureOptions, controls: Sequence[BuiltControl]
) -> Iterator[Reading]:
    """As ``read_targets``, with what files say of nodes and of the cluster; these alone where there is no target.

    A context or kubeconfig that is named is a target. Raises: ``SourceError``, ``UsageError``.
    """
    if not (options.host_facts or options.cloud_facts):
        with read_targets(targets, options, controls) as reading:
            yield reading
        return
    from leadline.scans.host.given_facts import facts_alone, with_given_facts

    if not targets and not options.kube_context and not options.kubeconfig:
        yield facts_alone(options)
        return
    with read_targets(targets, options, controls) as reading:
        yield with_given_facts(reading, options)


@contextmanager
def read_targets(
    targets: Sequence[str], options: PostureOptions, controls: Sequence[BuiltControl]
) -> Iterator[Reading]:
    """Reads ``targets``, the cluster where there is none, as far as ``controls`` look at it; what was fetched for it is gone when the block is left.

    Raises: ``SourceError`` where it cannot be read at all, ``UsageError`` where it makes no sense.
    """
    if not targets:
        from leadline.scans.posture.cluster_source import read_cluster_of

        yield read_cluster_of(options, controls)
        return
    addresses = [target for target in targets if is_address(target)]
    if not addresses:
        from leadline.scans.posture.file_source import read_files

        yield read_files(targets, options)
        return
    if len(targets) > 1:
        raise UsageError("a repository is scanned alone", hint="give each address a scan of its own")
    from leadline.scans.posture.git_source import read_repository

    with read_repository(addresses[0], options) as reading:
        yield reading


def is_address(target: str) -> bool:
    """Whether ``target`` is the address of a git repository."""
    if "://" in target:
        return True
    # Only for one like ``git@host:path`` the reader of addresses is worth its import.
    if "@" not in target or ":" not in target:
        return False
    from leadline.sources.git.address import is_git_address

    return is_git_address(target)
