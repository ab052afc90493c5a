"""How the layers of one image are read, and what they have taken of memory so far."""

from msgspec import Struct, field

from leadline.sbom.image import Limits
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.memory_budget import MemoryBudget


class Distribution(Struct):
    """What its layers have shown so far of who packed an image. Threads share it."""

    has_apt: bool = False
    """So that the lists of packages will be dpkg's. Where they are others, sums are made late (``late_sums``)."""


class LayerScanOptions(Struct, frozen=True):
    selector: FileSelector
    limits: Limits = Limits()
    budget: MemoryBudget = field(default_factory=MemoryBudget)
    distribution: Distribution = field(default_factory=Distribution)
    with_digests: bool = False
    """Whether the checksums of the files are wanted in which packages are found."""
    with_archive_sums: bool = True
    """Whether packages of Java have the checksums of their archives."""
    with_credentials: bool = True
    """Whether files are searched for credentials."""
