"""Keeps the file of the vulnerability database current: ``leadline db fetch``, in a process that ends.

What is published is fetched where an address is set, and from nowhere else. A database that cannot be fetched leaves
the old one in place; how old it is is part of every result.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress

from leadline.outputs.text.plain import plain
from leadline.programs.operator.images.jobs import ImageSettings

log = logging.getLogger(__name__)
HOUR_S = 3600.0
TRY_AGAIN_S = 5.0
"""After a failure, then twice as long after each further one: the network of a pod that just began may not be there yet."""
LONGEST_WAIT_S = 300.0
LONGEST_S = 3600.0
_LONGEST_LINE = 500
COMMAND = (sys.executable, "-m", "leadline.programs.cli.main", "db", "fetch", "--from")


async def keep_database(settings: ImageSettings, command: Sequence[str] = COMMAND) -> None:
    """Until it is cancelled. ``command`` takes the address and the flags of ``leadline db fetch --from``."""
    flags = [settings.database_address, "--output", settings.database]
    flags += ["--key", settings.database_key] if settings.database_key else ["--allow-unsigned"]
    flags += ["--ca-file", settings.ca_file] if settings.ca_file else []
    every_s = settings.database_every_h * HOUR_S
    failures = 0
    while True:
        failures = 0 if await _update([*command, *flags]) else failures + 1
        await asyncio.sleep(wait_s(failures, every_s))


def wait_s(failures: int, every_s: float) -> float:
    """Until the next time, after so many failures in a row; a failure is not waited out for longer than ``every_s``."""
    if not failures:
        return every_s
    return min(TRY_AGAIN_S * 2.0 ** min(failures - 1, 16), LONGEST_WAIT_S, every_s)


async def _update(command: Sequence[str]) -> bool:
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            _, said = await child.communicate()
    except TimeoutError:
        said = b"it took too long"
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return True
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason was given"]
    log.warning("the vulnerability database was not updated: %s", plain(lines[-1], _LONGEST_LINE))
    return False
