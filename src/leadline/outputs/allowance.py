"""How much one kind of detail may take in a report: past that it is counted, not written.

What is scanned may be written to make the report a thousand times as large. Gates look at the report, so that they
do not change with what is written of it.
"""

from collections.abc import Collection

MOST_CHARACTERS = 256 << 20
"""Of one kind of detail in one report: what a report about some 25,000 objects takes."""

MOST_DRAWN = 32 << 20
"""Of source lines and excerpts in one report: they say again what the files say."""


class Allowance:
    """Spent while writing; ``left_out`` counts what came too late."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.left_out = 0

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def spend(self, size: int) -> None:
        """What was written, in characters. The last one may exceed what is left."""
        self._left -= size

    def takes(self, size: int) -> bool:
        """Whether what is so long may still be written; counted where it may not."""
        if self._left <= 0:
            self.left_out += 1
            return False
        self._left -= size
        return True


class ResultRoom:
    """What the results of a report may take: passes, failures, and the paths of failures."""

    def __init__(self, most: int) -> None:
        self.passed, self.failed, self.paths = Allowance(most), Allowance(most), Allowance(most)

    def affordable(
        self, every: Collection[str], failed: Collection[str], special: Collection[str]
    ) -> Collection[str]:
        """Those of the controls ``every`` of an object that there is room for; plain passes, not in ``special``, go first."""
        if not self.passed.is_spent:
            return every
        kept = [control for control in every if control in special]
        self.passed.left_out += len(every) - len(kept)
        if not self.failed.is_spent:
            return kept
        self.failed.left_out += len(failed)
        return [control for control in kept if control not in failed]

    def left_out(self) -> dict[str, str | int]:
        """What was left out for want of room; empty where all fitted."""
        rooms = {"passed": self.passed, "failed": self.failed, "paths": self.paths}
        counts: dict[str, str | int] = {name: room.left_out for name, room in rooms.items()}
        why = "there are too many; the counts of summaryDetails are whole"
        return {**counts, "why": why} if any(counts.values()) else {}
