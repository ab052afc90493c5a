"""``leadline decrypt``: a report that was encrypted to someone."""

import os
import sys

import click

from leadline.errors import StoreError, UsageError
from leadline.scans.leaving import decrypted_file

EPILOG = """
\b
  leadline scan deploy/ --encrypt age1… -o report.pdf
      writes report.pdf.age
  leadline decrypt report.pdf.age --identity key.txt -o report.pdf

age -d -i key.txt report.pdf.age does the same.
"""


@click.command("decrypt", epilog=EPILOG)
@click.argument("file")
@click.option("-i", "--identity", required=True, metavar="FILE", help="Your private key, of age or SSH.")
@click.option("-o", "--output", default="", metavar="FILE", help="Write there; it must not be there yet.")
def command(file: str, identity: str, output: str) -> int:
    """Decrypts a report that --encrypt wrote."""
    content = decrypted_file(file, identity)
    if not output or output == "-":
        if os.isatty(1) and b"\0" in content[:4096]:
            raise UsageError("it is not text for a terminal", hint="--output FILE")
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(output, flags, 0o600), "wb") as stream:
            stream.write(content)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from error
    return 0
