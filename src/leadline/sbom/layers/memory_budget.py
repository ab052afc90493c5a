"""What the layers of one image may take of memory together, whichever thread reads them."""

from threading import Lock

from leadline.sbom.image import Limits
from leadline.sbom.layers.facts import LayerFacts

TOO_LARGE = "too large to be kept in memory"


class MemoryBudget:
    """How much is taken so far. Threads share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries = 0
        self._kept_bytes = 0
        self._packages = 0

    def entries_left(self, limits: Limits) -> int:
        """How many entries the next layer may have."""
        return min(limits.entries, limits.all_entries - self._entries)

    def packages_left(self, limits: Limits) -> int:
        """How many packages the next file may hold."""
        return limits.packages - self._packages

    def count(self, *, entries: int = 0, packages: int = 0) -> None:
        """Counts what was read."""
        with self._lock:
            self._entries += entries
            self._packages += packages

    def reserve_file(self, limits: Limits, size_bytes: int) -> bool:
        """Whether another file of this size may be kept; then it counts."""
        with self._lock:
            if size_bytes > limits.kept_file_bytes or self._kept_bytes + size_bytes > limits.all_kept_bytes:
                return False
            self._kept_bytes += size_bytes
            return True

    def reserve_facts(self, limits: Limits, facts: LayerFacts) -> bool:
        """Whether what is cached of a layer has room too; then it counts."""
        kept = sum(len(one.content) for one in facts.facts.values() if one.content is not None)
        packages = sum(len(one.packages) for one in facts.facts.values())
        with self._lock:
            if (
                self._kept_bytes + kept > limits.all_kept_bytes
                or self._entries + facts.weight > limits.all_entries
                or self._packages + packages > limits.packages
            ):
                return False
            self._kept_bytes += kept
            self._entries += facts.weight
            self._packages += packages
            return True
