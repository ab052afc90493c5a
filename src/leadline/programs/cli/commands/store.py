"""``leadline store``: the care of a file in which results are kept, also while a server has it open."""

from itertools import islice
from pathlib import Path

import click

from leadline.errors import StoreError
from leadline.outputs.plain import plain
from leadline.outputs.store import local_care

_SHOWN = 20
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("store")
def command() -> None:
    """Backs up, restores and checks a file of results, such as that of leadline apiserver --database."""


@command.command("backup")
@click.argument("file", type=_FILE)
@click.argument("backup", type=_FILE)
def backup(file: Path, backup: Path) -> int:
    """Copies FILE to BACKUP, consistent and compact; a server may go on using FILE."""
    _check_there(file)
    local_care.back_up(file, backup)
    click.echo(f"{file} is backed up in {backup}", err=True)
    return 0


@command.command("restore")
@click.argument("backup", type=_FILE)
@click.argument("file", type=_FILE)
def restore(backup: Path, file: Path) -> int:
    """Makes FILE, which must not be there, of BACKUP. Clients that watch begin anew, and take nothing old for new."""
    _check_there(backup)
    local_care.restore(backup, file)
    click.echo(f"{file} is restored from {backup}", err=True)
    return 0


@command.command("check")
@click.argument("file", type=_FILE)
def check(file: Path) -> int:
    """Reads all of FILE and says what is damaged."""
    _check_there(file)
    problems = local_care.check(file)
    shown = list(islice(problems, _SHOWN))
    for problem in shown:
        click.echo(plain(problem, 4096))
    if shown:
        more = sum(1 for _ in problems)
        rest = f", and {more:,} more" if more else ""
        raise StoreError(f"the store {file} is damaged{rest}", hint="restore a backup")
    click.echo(f"{file} is whole", err=True)
    return 0


def _check_there(file: Path) -> None:
    """SQLite would make a file that is not there. Raises: ``StoreError``."""
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
