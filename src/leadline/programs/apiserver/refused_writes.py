"""Counts writes that were refused, for Prometheus: what is not stored is missing from every result.

A full disk is seen here first: the operator cannot store that it could not store.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

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

    @contextmanager
    def watched(self, resource: str, *, is_own: bool) -> Iterator[None]:
        """A block that is one write, whose exception is counted; ``is_own``: by an account of Leadline."""
        try:
            yield
        except (Refusal, StoreError) as error:
            match error:
                case Refusal():
                    reason = error.reason
                case FullError():
                    reason = "InsufficientStorage"
                case AwayError():
                    reason = "ServiceUnavailable"
                case _:
                    reason = "InternalError"
            self._counts[resource, BY_US if is_own else BY_OTHERS, reason] += 1
            raise

    def text(self) -> str:
        """As Prometheus reads it. Every value of a label is one of a closed set."""
        lines = [f"# HELP {NAME} {_HELP}", f"# TYPE {NAME} counter"]
        for (resource, by, reason), number in sorted(self._counts.items()):
            lines.append(f'{NAME}{{by="{by}",reason="{reason}",resource="{resource}"}} {number}')
        return "\n".join(lines) + "\n"
