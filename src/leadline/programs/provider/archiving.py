"""``leadline provider archive`` and ``restore-log``: the logs under Object Lock, and back from there."""

import logging
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from leadline.api.provider.note import NoteError, Verifier, verifier
from leadline.errors import GATE_FAILED, SourceError, StoreError, UsageError
from leadline.foreign_errors import in_words
from leadline.programs.provider.archive import LogArchive
from leadline.programs.provider.bucket import Bucket, credentials
from leadline.programs.provider.flags import data_folder, public_key
from leadline.programs.provider.log import verify_log
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.provider_client import provider_client

log = logging.getLogger(__name__)
_SHOWN = 20
_LONGEST_NAME = 1_100
_WHICH_KEY = "name key.txt, or a file with what leadline provider init printed"


@click.command()
@click.argument("bucket", metavar="https://HOST/BUCKET")
@data_folder
@click.option(
    "--keep-days",
    default=400,
    show_default=True,
    type=click.IntRange(1, 36_500),
    help="Days for which no one can delete a segment.",
)
@click.option(
    "--every",
    "every_s",
    default=3_600.0,
    show_default=True,
    type=click.FloatRange(1, 604_800),
    help="Seconds between two looks at the logs.",
)
@click.option("--once", is_flag=True, help="Put what is new, and end.")
@click.option("--ca", default="", metavar="FILE", help="Certificates to trust there, PEM.")
def archive(bucket: str, data: Path, keep_days: int, every_s: float, ca: str, *, once: bool) -> None:
    """Put what is new in the logs into a bucket with Object Lock; the provider may run.

    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION are of an account that may put, read and list, and need not delete.
    """
    log_to_stderr()
    key = read_key(data / "key.txt")
    with provider_client(ca) as client:
        place = Bucket(bucket, credentials(os.environ), client)
        archives: dict[str, LogArchive] = {}
        while True:
            try:
                _archive(place, data, key, datetime.now(UTC) + timedelta(days=keep_days), archives)
            except (SourceError, StoreError) as error:
                if once:
                    raise
                log.error("%s", error)
            if once:
                return
            time.sleep(every_s)


def _archive(
    bucket: Bucket, data: Path, key: Verifier, until: datetime, archives: dict[str, LogArchive]
) -> None:
    """Every log; one that fails keeps no other from it. Raises: ``SourceError``, ``StoreError``."""
    failed, put, folders = 0, 0, _logs(data)
    for folder in folders:
        origin = f"{key.name}/{folder.parent.name}/{folder.name}"
        try:
            known = archives.setdefault(origin, LogArchive(bucket, origin, key))
            for head, version in known.put_new(folder, until):
                click.echo(f"{version.key} {version.version}")
                log.info("%s: entries up to %s are archived", origin, f"{head.end:,}")
                put += 1
        except (SourceError, StoreError) as error:
            log.error("%s is not archived: %s", origin, error)
            failed += 1
    if failed:
        raise StoreError(
            f"{failed:,} of {len(folders):,} logs are not archived", hint="the lines above say why"
        )
    log.info("archived: %s segments of %s logs", f"{put:,}", f"{len(folders):,}")


def _logs(data: Path) -> list[Path]:
    """Raises: ``SourceError``."""
    try:
        tenants = sorted(one for one in (data / "logs").iterdir() if one.is_dir())
        found = [source for tenant in tenants for source in sorted(tenant.iterdir())]
    except OSError as error:
        raise SourceError(
            f"cannot read {error.filename}: {in_words(error)}",
            hint="--data names the folder of the provider",
        ) from error
    if not found:
        raise SourceError(f"{data / 'logs'} holds no log", hint="--data names the folder of the provider")
    return found


@click.command("restore-log")
@click.argument("bucket", metavar="https://HOST/BUCKET")
@click.argument("origin", metavar="PROVIDER/TENANT/SOURCE")
@click.argument("folder", type=click.Path(path_type=Path))
@public_key
@click.option("--ca", default="", metavar="FILE", help="Certificates to trust there, PEM.")
def restore_log(bucket: str, origin: str, folder: Path, key_file: Path, ca: str) -> int:
    """Write a log as the bucket holds it into FOLDER, which must not exist, and verify it."""
    key = read_key(key_file)
    with provider_client(ca) as client:
        place = Bucket(bucket, credentials(os.environ), client)
        try:
            left_out, why = LogArchive(place, origin, key).restore(folder)
        except FileExistsError as error:
            raise UsageError(f"{folder} exists", hint="name a folder that does not exist") from error
        except OSError as error:
            raise StoreError(f"cannot write {folder}: {in_words(error)}") from error
    for name in left_out[:_SHOWN]:
        click.echo(f"not part of this log: {_shown(name)}", err=True)
    if len(left_out) > _SHOWN:
        click.echo(f"not part of this log: {len(left_out) - _SHOWN:,} more", err=True)
    code = verified(folder, key)
    if why:
        click.echo(f"the entries end there: {_shown(why)}", err=True)
        return GATE_FAILED
    return code


def _shown(words: str) -> str:
    """On one line and without what steers a terminal: who writes into the bucket chooses names."""
    return words.encode("unicode_escape").decode()[:_LONGEST_NAME]


def verified(log: Path, key: Verifier) -> int:
    """Says what is wrong with ``log``, or that nothing is; the exit code."""
    found = verify_log(log, key)
    for fault in found.faults[:_SHOWN]:
        click.echo(fault)
    if len(found.faults) > _SHOWN:
        click.echo(f"and {len(found.faults) - _SHOWN:,} more")
    if found.faults:
        return GATE_FAILED
    late = found.entries - found.signed
    click.echo(
        # Whose log it is: a folder can be put in the place of another.
        f"{found.origin}: "
        + ("1 entry is" if found.signed == 1 else f"{found.signed:,} entries are")
        + f" what {key.name} acknowledged"
        + (
            f"; {late:,} more that its checkpoint does not cover yet, which anyone can have added"
            if late
            else ""
        )
    )
    return 0


def read_key(path: Path) -> Verifier:
    """Raises: ``UsageError``."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file", hint=_WHICH_KEY)  # a pipe would block for ever
    try:
        return verifier(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {in_words(error)}", hint=_WHICH_KEY) from error
    except (NoteError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} does not hold the public key of a provider: {error}", hint=_WHICH_KEY
        ) from error
