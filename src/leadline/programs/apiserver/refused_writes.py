"""Counts writes that were refused, for Prometheus: what is not stored is missing from every result.

A full disk is seen here first: the operator cannot store that it could not store.
"""

from collections import Counter
from types import TracebackType

from leadline.api.protocol import AwayError, FullError
from leadline.errors import StoreError
from leadline.programs.serving.cluster.refusal import Refusal

NAME = "leadline_apiserver_refused_writes_total"
BY_US, BY_OTHERS = "leadline", "others"
_HELP = "Writes of stored results that were refused, by kind, by who wrote and by the reason of the answer."


class RefusedWrites:
    """Since the start of the process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def watched(self, resource: str, *, is_own: bool) -> "Watched":
        """A block that is one write; ``is_own``: by an account of Leadline."""
        return Watched(self._counts, resource, BY_US if is_own else BY_OTHERS)

    def text(self) -> str:
        """As Prometheus reads it. Every value of a label is one of a closed set."""
        lines = [f"# HELP {NAME} {_HELP}", f"# TYPE {NAME} counter"]
        for (resource, by, reason), number in sorted(self._counts.items()):
            lines.append(f'{NAME}{{by="{by}",reason="{reason}",resource="{resource}"}} {number}')
        return "\n".join(lines) + "\n"


class Watched:
    """Counts the exception with which it is left, and lets it go on."""

    def __init__(self, counts: Counter[tuple[str, str, str]], resource: str, by: str) -> None:
        self._counts = counts
        self._row = (resource, by)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        match error:
            case Refusal():
                reason = error.reason
            case FullError():
                reason = "InsufficientStorage"
            case AwayError():
                reason = "ServiceUnavailable"
            case StoreError():
                reason = "InternalError"
            case _:
                return
        self._counts[(*self._row, reason)] += 1
