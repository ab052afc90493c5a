"""``leadline migrate``: takes over what other scanners leave out or accept."""

from pathlib import Path

import click

from leadline.errors import SourceError, StoreError, UsageError
from leadline.outputs.text.plain import count, plain
from leadline.scans.waivers.migrating import SETTINGS_FILE, WAIVERS_FILE, migration_of

EPILOG = """
\b
  leadline migrate
      of this folder: leadline.toml, leadline-waivers.yaml
  leadline migrate deploy/ --dry-run
      shows what would be written

It reads .trivyignore, .trivyignore.yaml, .grype.yaml, .checkov.yaml, .kube-linter.yaml, exceptions as JSON, and the comments and
annotations of Trivy, Checkov, kube-linter, kube-score and Polaris in manifests. What has no counterpart is named.

Exit codes: 0 done, 2 wrong usage, 3 nothing of another scanner was found, 4 a fault of leadline.
"""


@click.command("migrate", epilog=EPILOG)
@click.argument("path", default=".")
@click.option("-o", "--output", default=".", metavar="FOLDER", help="Write there.", show_default=True)
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
def command(path: str, output: str, dry_run: bool) -> int:
    """Takes over what other scanners leave out or accept, as leadline.toml and waivers."""
    found = migration_of(path)
    if not found.read:
        hint = "leadline migrate --help names what is read"
        if Path(path).is_file():
            hint = f"name the folder that it is in: leadline migrate {Path(path).parent}"
        raise SourceError(f"nothing of another scanner in {path}", hint=hint)
    texts = {SETTINGS_FILE: found.settings_text, WAIVERS_FILE: found.waivers_text}
    for name, text in texts.items():
        if text and dry_run:
            click.echo(f"--- {name}\n{text}", nl=False)
        elif text:
            _write(Path(output) / name, text)
    for one in found.left:
        click.echo(
            f"not taken over: {plain(one.where, 4096)}: {plain(one.what)}: {plain(one.why, 1_000)}", err=True
        )
    click.echo(
        f"{count(len(found.read), 'file')} read, {count(len(found.waivers), 'waiver')}, "
        f"{len(found.left):,} not taken over",
        err=True,
    )
    if found.settings and not dry_run:
        click.echo(f"next: leadline scan {path} {_taken(output)}", err=True)
    return 0


def _taken(output: str) -> str:
    """The flag by which a scan takes the settings in full: what comes with the code may not hide findings by itself."""
    return "--trust-config" if output == "." else f"--config {Path(output) / SETTINGS_FILE}"


def _write(path: Path, text: str) -> None:
    """Raises: ``UsageError`` where the file exists, ``StoreError`` where it cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} exists", hint="--dry-run prints what would be written, -o FOLDER writes elsewhere"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    click.echo(f"written: {plain(str(path), 4096)}", err=True)
