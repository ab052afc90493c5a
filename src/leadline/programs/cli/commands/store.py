"""``leadline store``: the care of a file in which results are kept, also while a server has it open."""

from itertools import islice
from pathlib import Path

import click

from leadline.api.carriers import local_care
from leadline.errors import StoreError
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.table import takes
from leadline.programs.cli.output.progress import progress

_SHOWN = 20
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("store")
def command() -> None:
    """Backs up, restores and checks a file of results, such as that of leadline apiserver --database."""


@command.command("backup")
@click.argument("file", type=_FILE)
@click.argument("backup", type=_FILE)
@takes("quiet")
def backup(file: Path, backup: Path, quiet: bool) -> int:
    """Copies FILE to BACKUP, consistent and compact; a server may go on using FILE."""
    _check_there(file)
    with progress(f"copying {file}", is_wanted=not quiet):
        local_care.back_up(file, backup)
    _remark(f"{file} is backed up in {backup}", quiet=quiet)
    return 0


@command.command("restore")
@click.argument("backup", type=_FILE)
@click.argument("file", type=_FILE)
@takes("quiet")
def restore(backup: Path, file: Path, quiet: bool) -> int:
    """Makes FILE, which must not be there, of BACKUP. Clients that watch begin anew, and take nothing old for new."""
    _check_there(backup)
    with progress(f"copying {backup}", is_wanted=not quiet):
        local_care.restore(backup, file)
    _remark(f"{file} is restored from {backup}", quiet=quiet)
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
    _remark(f"{file} is whole", quiet=quiet)
    return 0


def _remark(text: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(text, err=True)


def _check_there(file: Path) -> None:
    """SQLite would make a file that is not there. Raises: ``StoreError``."""
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
