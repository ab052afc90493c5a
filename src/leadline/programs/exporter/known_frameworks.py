"""The frameworks whose scores are worked out: read by a child, since a framework of every control takes all controls.

Loaded here, they would take 4 MiB for as long as the program lives, which asks no control anything.
"""

import subprocess
import sys

import msgspec

from leadline.model.control import Framework


def known_frameworks() -> tuple[Framework, ...]:
    """Those that come with the product, by name."""
    child = subprocess.run([sys.executable, "-m", __name__], stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(child.stdout, type=tuple[Framework, ...])


def _print() -> None:
    from leadline.posture.catalogue import load_controls
    from leadline.scans.posture.frameworks import load_frameworks

    sys.stdout.buffer.write(msgspec.json.encode(load_frameworks(load_controls())))


if __name__ == "__main__":
    _print()
