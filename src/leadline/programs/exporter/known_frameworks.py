"""The frameworks whose scores are worked out: read by a child, since a framework of every control takes all controls.

Loaded here, they would take 4 MiB for as long as the program lives, which asks no control anything.
"""

import subprocess
import sys

import msgspec

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.control import Framework
from leadline.untyped import MALFORMED

COMMAND = (sys.executable, "-P", "-m", __name__)
"""``-P``: nothing that lies in the folder where the program was started is run."""


def known_frameworks(command: tuple[str, ...] = COMMAND) -> tuple[Framework, ...]:
    """Those that come with the product, by name. Raises: ``SourceError``; ``OSError`` where no process can be started."""
    child = subprocess.run(command, capture_output=True, check=False)
    try:
        if child.returncode == 0:
            return msgspec.json.decode(child.stdout, type=tuple[Framework, ...])
        said = child.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"the process that reads them ended with code {child.returncode}"
    except MALFORMED as error:
        why = in_words(error)
    raise SourceError(
        f"the frameworks cannot be read: {why}", hint="install Leadline again, or give it more memory"
    )


def _print() -> None:
    from leadline.posture.catalogue import load_controls
    from leadline.scans.posture.frameworks import load_frameworks

    sys.stdout.buffer.write(msgspec.json.encode(load_frameworks(load_controls())))


if __name__ == "__main__":
    _print()
