"""Objects from a git repository, fetched for the time of the scan."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from leadline.model.report import Target
from leadline.programs.cli.scanning.file_source import read_files
from leadline.programs.cli.scanning.request import Request
from leadline.programs.cli.scanning.sources import Reading, Say
from leadline.sources.git import checked_out


@contextmanager
def read_repository(request: Request, address: str, say: Say) -> Iterator[Reading]:
    """What lies at ``address``, read as files are.

    Raises: ``SourceError`` where it cannot be fetched, ``UsageError`` where it is no address.
    """
    say(f"fetching {address}")
    with checked_out(address, os.environ) as checkout:
        say(f"scanning {checkout.shown}")
        reading = read_files(request, (str(checkout.path),))
        target = Target(
            "git",
            checkout.shown,
            root=str(checkout.path),
            branch=checkout.branch,
            commit=checkout.commit,
        )
        yield msgspec.structs.replace(reading, target=target, unread=(*reading.unread, *checkout.unread))
