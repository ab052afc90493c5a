"""What is said between the operator and the process that scans images: one JSON document a line, both ways.

No secret is among it: a Secret is named, and the one who scans reads it.
"""

from collections.abc import Mapping

from msgspec import Struct

from leadline.outputs.store.image_results import ImageCounts
from leadline.programs.operator.plan import Outcome
from leadline.programs.operator.work_state import ImageOfCluster, NamedSource

HOME = "leadline"
GIB = 1 << 30
NO_DATABASE = "there is no vulnerability database: packages were found, and not matched"


class ImageSettings(Struct, frozen=True, kw_only=True):
    """How images are scanned. Stands in the settings of the operator under ``images``."""

    home: str = HOME
    """Namespace of results about images."""
    database: str = ""
    """File of the vulnerability database; empty for none."""
    oldest_database_days: int | None = None
    cache_folder: str = ""
    """Where what is found in layers is kept; empty for nowhere."""
    pull_secrets: bool = False
    """Whether the Secrets that pods pull with are read."""
    mirrors: Mapping[str, tuple[str, ...]] = {}
    """Registry to the hosts that are asked before it."""
    ca_file: str = ""
    """PEM of private CAs; empty for the system's."""
    accept_any_certificate: bool = False
    """Also lets registries do without TLS."""
    most_image_bytes: int = 5 * GIB
    """Of an image's layers as they are stored."""
    node_blobs: str = ""
    """Where the node's blobs of containerd are mounted; empty for nowhere."""
    worker_memory_bytes: int = 2 * GIB
    """Of the process that scans one image."""
    worker_s: float = 600.0
    """For one image."""
    workers: int = 2
    """Images scanned at a time by one pod."""
    kube_context: str = ""
    kubeconfig: str = ""


class ImageTask(Struct, frozen=True):
    """One image to scan."""

    digest: str
    is_id: bool
    sources: tuple[NamedSource, ...]
    manifest: str = ""
    """Name of the stored VulnerabilityManifest, where that is enough; empty where the image is to be fetched."""


class ImageAnswer(Struct, frozen=True):
    """What came of it."""

    outcome: Outcome
    counts: ImageCounts | None = None
    """Of what was stored; ``None`` where nothing was."""
    at: str = ""
    database: str = ""
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Of the process since its start."""
    peak_bytes: int = 0
    """The most memory that the process has held."""


def task_of(image: ImageOfCluster, manifest: str) -> ImageTask:
    return ImageTask(image.digest, image.is_id, image.sources, manifest)
