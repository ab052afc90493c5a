"""Which program rendered, in words for the report: ``helm v3.19.2``."""

import re
from collections.abc import Iterable

from leadline.sources.child_process import Command, Limits, run_child

VERSION = r"v?\d+\.\d+(?:\.\d+)?[\w.+-]{0,40}"
_READ_BYTES = 10_000


def renderer_text(names: Iterable[tuple[str, str]], command: Command, limits: Limits) -> str:
    """What ``command`` says of its versions: each name with what its pattern finds, ``kustomize v5.8.1 of kubectl v1.37.1``.

    Patterns have one group. A version that cannot be had is left out.
    """
    try:
        said = run_child(command, limits).output[:_READ_BYTES].decode("utf-8", "replace")
    except OSError:
        said = ""
    parts = []
    for name, pattern in names:
        found = re.search(pattern, said)
        parts.append(f"{name} {found[1]}" if found else name)
    return " of ".join(parts)
