"""Where the objects of a scan come from: the one place that chooses among the sources."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.control import BuiltControl
from leadline.scans.options import PostureOptions
from leadline.scans.posture.reading import Reading


def read(
    targets: Sequence[str], options: PostureOptions, controls: Sequence[BuiltControl]
) -> AbstractContextManager[Reading]:
    """The source of ``targets``, the cluster where there is none; it reads on entry, as far as ``controls`` look at it.

    With what files say of nodes and of the cluster; these alone without a target. A context or kubeconfig that is
    named is a target. What was fetched is gone when the block is left. On entry ``SourceError`` is raised where nothing can
    be read at all.

    Raises: ``UsageError`` where it makes no sense.
    """
    if options.image_results:
        return _with_images(read(targets, replace(options, image_results=()), controls), options)
    if not (options.host_facts or options.cloud_facts):
        return _source_of(targets, options, controls)
    from leadline.scans.host.given_facts import facts_alone

    if not targets and not options.kube_context and not options.kubeconfig:
        return nullcontext(facts_alone(options))
    return _with_facts(_source_of(targets, options, controls), options)


@contextmanager
def _with_images(source: AbstractContextManager[Reading], options: PostureOptions) -> Iterator[Reading]:
    from leadline.scans.posture.given_images import with_given_images

    with source as reading:
        yield with_given_images(reading, options.image_results)


@contextmanager
def _with_facts(source: AbstractContextManager[Reading], options: PostureOptions) -> Iterator[Reading]:
    from leadline.scans.host.given_facts import with_given_facts

    with source as reading:
        yield with_given_facts(reading, options)


def _source_of(
    targets: Sequence[str], options: PostureOptions, controls: Sequence[BuiltControl]
) -> AbstractContextManager[Reading]:
    if not targets:
        from leadline.scans.posture.cluster_source import open_cluster_of

        return open_cluster_of(options, controls)
    addresses = [target for target in targets if is_address(target)]
    if not addresses:
        from leadline.scans.posture.file_source import open_files

        return open_files(targets, options)
    if len(targets) > 1:
        raise UsageError("a repository is scanned alone", hint="give each address a scan of its own")
    from leadline.scans.posture.git_source import read_repository

    return read_repository(addresses[0], options)


def is_address(target: str) -> bool:
    """Whether ``target`` is the address of a git repository."""
    if "://" in target:
        return True
    # Only for one like ``git@host:path`` the reader of addresses is worth its import.
    if "@" not in target or ":" not in target:
        return False
    from leadline.sources.git.address import is_git_address

    return is_git_address(target)
