"""``leadline store``: the care of a file in which results are kept, also while a server has it open."""

from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from leadline.api.carriers import local_care
from leadline.api.catalogue import KINDS
from leadline.api.copying import Copied, copy_all
from leadline.api.protocol import Store
from leadline.errors import StoreError
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.options.table import CLUSTER, takes
from leadline.programs.cli.output.showing import remark
from leadline.programs.cli.output.terminal import progress
from leadline.programs.cli.scanning.storing import KUBE, StorePlace, open_store, with_store

_SHOWN = 20
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("store")
def command() -> None:
    """Backs up, restores and checks results: those of a cluster, or a file such as that of leadline apiserver --database."""


@command.command("backup")
@click.argument("file", type=_FILE)
@click.argument("backup", type=_FILE, required=False)
@click.option(
    "--from-cluster", is_flag=True, help="Copy what the server in the cluster has, to the one FILE named."
)
@takes("quiet", *CLUSTER)
def backup(
    file: Path, backup: Path | None, from_cluster: bool, quiet: bool, kube_context: str, kubeconfig: str
) -> int:
    """Copies FILE to BACKUP, consistent and compact; a server may go on using FILE. With --from-cluster, the store of a cluster to FILE."""
    if from_cluster == (backup is not None):
        raise click.UsageError("give FILE and BACKUP, or --from-cluster and FILE")
    if backup is None:
        _back_up_cluster(StorePlace(KUBE, kube_context, kubeconfig), file, quiet=quiet)
        return 0
    _check_there(file)
    with progress(f"copying {file}", is_wanted=not quiet):
        local_care.back_up(file, backup)
    remark(f"{file} is backed up in {backup}", quiet=quiet)
    return 0


@command.command("restore")
@click.argument("backup", type=_FILE)
@click.argument("file", type=_FILE, required=False)
@click.option(
    "--to-cluster", is_flag=True, help="Write BACKUP into the store of a cluster, over what is there."
)
@takes("quiet", *CLUSTER)
def restore(
    backup: Path, file: Path | None, to_cluster: bool, quiet: bool, kube_context: str, kubeconfig: str
) -> int:
    """Makes FILE, which must not be there, of BACKUP. Clients that watch start over, and take nothing old for new."""
    if to_cluster == (file is not None):
        raise click.UsageError("give BACKUP and FILE, or BACKUP and --to-cluster")
    _check_there(backup)
    if file is None:
        _restore_cluster(StorePlace(KUBE, kube_context, kubeconfig), backup, quiet=quiet)
        return 0
    with progress(f"copying {backup}", is_wanted=not quiet):
        local_care.restore(backup, file)
    remark(f"{file} is restored from {backup}", quiet=quiet)
    return 0


@command.command("check")
@click.argument("file", type=_FILE)
@takes("quiet")
def check(file: Path, quiet: bool) -> int:
    """Reads all of FILE and says what is damaged."""
    _check_there(file)
    with progress(f"reading {file}", is_wanted=not quiet):
        problems = local_care.check(file)
        shown = list(islice(problems, _SHOWN))
        more = sum(1 for _ in problems)
    for problem in shown:
        click.echo(plain(problem, 4096))
    if shown:
        rest = f", and {more:,} more" if more else ""
        raise StoreError(f"the store {file} is damaged{rest}", hint="restore a backup")
    remark(f"{file} is whole", quiet=quiet)
    return 0


def _back_up_cluster(place: StorePlace, file: Path, *, quiet: bool) -> None:
    """Raises: ``StoreError``, ``ClusterError``; nothing is left of a backup that failed."""
    local_care.check_free(file)
    with TemporaryDirectory(prefix=".leadline-backup-", dir=file.absolute().parent) as folder:
        growing = Path(folder) / "store.db"

        async def copied_from(cluster: Store) -> Copied:
            return await _within(StorePlace(str(growing)), lambda new: copy_all(cluster, new, KINDS))

        with progress("reading the store of the cluster", is_wanted=not quiet):
            copied = with_store(place, copied_from)
            local_care.back_up(growing, file)
    _say_copied(copied, f"backed up in {file}", quiet=quiet)


def _restore_cluster(place: StorePlace, backup: Path, *, quiet: bool) -> None:
    """Raises: ``StoreError``, ``ClusterError``; ``backup`` stays as it is: what is copied is a copy of it that was checked."""
    with TemporaryDirectory(prefix="leadline-restore-") as folder:
        checked = Path(folder) / "store.db"

        async def copied_to(old: Store) -> Copied:
            return await _within(place, lambda new: copy_all(old, new, KINDS))

        with progress("writing into the cluster", is_wanted=not quiet):
            local_care.restore(backup, checked)
            copied = with_store(StorePlace(str(checked)), copied_to)
    if not (copied.objects or copied.refused):
        raise StoreError(f"{backup} has no objects; nothing was written")
    _say_copied(copied, f"written into the cluster from {backup}", quiet=quiet)


async def _within(place: StorePlace, work: Callable[[Store], Awaitable[Copied]]) -> Copied:
    async with open_store(place, is_new=True) as store:
        return await work(store)


def _say_copied(copied: Copied, done: str, *, quiet: bool) -> None:
    """Raises: ``StoreError`` where a part was not taken."""
    remark(f"{count(copied.objects, 'object')} {done}", quiet=quiet)
    if copied.refused:
        name, why = copied.refused[0]
        raise StoreError(
            f"{count(len(copied.refused), 'object')} not copied, the first {plain(name, 300)}: {plain(why, 300)}"
        )


def _check_there(file: Path) -> None:
    """SQLite would make a file that is not there. Raises: ``StoreError``."""
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
