"""What the layers of one image may take of memory together, whichever thread reads them."""

from leadline.image.image import Limits
from leadline.image.layers.facts import LayerFacts

TOO_LARGE = "too large to be kept in memory"


class MemoryBudget:
    """How much is taken so far."""

    def __init__(self) -> None:
        self.entries = 0
        self.kept_bytes = 0
        self.packages = 0

    def reserve_file(self, limits: Limits, size_bytes: int) -> bool:
        """Whether another file of this size may be kept; then it counts."""
        if size_bytes > limits.kept_file_bytes or self.kept_bytes + size_bytes > limits.all_kept_bytes:
            return False
        self.kept_bytes += size_bytes
        return True

    def reserve_facts(self, limits: Limits, facts: LayerFacts) -> bool:
        """Whether what was remembered of a layer has room too; then it counts."""
        kept = sum(len(one.content) for one in facts.facts.values() if one.content is not None)
        packages = sum(len(one.packages) for one in facts.facts.values())
        if self.kept_bytes + kept > limits.all_kept_bytes or self.entries + facts.weight > limits.all_entries:
            return False
        if self.packages + packages > limits.packages:
            return False
        self.kept_bytes += kept
        self.entries += facts.weight
        self.packages += packages
        return True
