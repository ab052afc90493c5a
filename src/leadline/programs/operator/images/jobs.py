"""What is said between the operator and the process that scans images: one JSON document a line, both ways.

No secret is among it: a Secret is named, and the one who scans reads it.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from leadline.api.kinds.scans import AcceptedInImage, NamedSource
from leadline.programs.operator.plan import Outcome, Settings
from leadline.programs.operator.work_state import ImageOfCluster
from leadline.scans.stored.image_results import ImageCounts
from leadline.scans.waivers.image_acceptance import Acceptance

HOME = "leadline"
JOB_MARGIN_S = 180.0
"""A job may wait for a process to start, and for the store."""
NO_DATABASE = "vulnerability database not found: packages were found, and not matched"


class ImageSettings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How images are scanned: ``images`` in the settings of the operator."""

    enabled: Annotated[bool, Meta(description="Whether the images of all pods are scanned.")] = True
    database: Annotated[
        str,
        Meta(
            description="File of the vulnerability database; without one packages are found, and not matched."
        ),
    ] = ""
    database_address: Annotated[
        str,
        Meta(
            description="Where a newer one is published, a URL, oci://… or grype, fetched into that file; empty for nowhere."
        ),
    ] = ""
    database_key: Annotated[
        str, Meta(description="File with the publisher's public keys; without one any publisher is believed.")
    ] = ""
    database_every_h: Annotated[float, Meta(description="So often, in hours, a newer one is asked for.")] = (
        6.0
    )
    oldest_database_days: Annotated[
        int, Meta(description="A database whose newest feed is older is refused; 0 for any age.")
    ] = 0
    cache: Annotated[
        str, Meta(description="Folder where what is found in layers is kept; empty for nowhere.")
    ] = ""
    pull_secrets: Annotated[
        bool, Meta(description="Whether the Secrets are read that pods pull their images with.")
    ] = False
    mirrors: Annotated[
        Mapping[str, tuple[str, ...]], Meta(description="Registry to the hosts that are asked before it.")
    ] = {}
    ca_file: Annotated[str, Meta(description="PEM of the CAs of registries; empty for the system's.")] = ""
    accept_any_certificate: Annotated[
        bool, Meta(description="Whether registries need no trusted certificate, nor TLS.")
    ] = False
    node_blobs: Annotated[
        str,
        Meta(
            description="Where the blobs of the node's containerd are mounted, which has what no registry gives."
        ),
    ] = ""
    most_image_mib: Annotated[int, Meta(description="Of an image's layers, as they are stored.")] = 5120
    worker_memory_mib: Annotated[int, Meta(description="Of the process that scans an image.")] = 2048
    worker_s: Annotated[float, Meta(description="For one image.")] = 600.0
    workers: Annotated[int, Meta(description="Images scanned at a time.")] = 2
    workers_of_registry: Annotated[int, Meta(description="Of these, from one registry.")] = 2
    gap_s: Annotated[
        float, Meta(description="Between two images of one registry; a half of it is left to chance.")
    ] = 0.2

    job_template: Annotated[
        str,
        Meta(
            description="File with the pod template of Jobs that scan; without one the operator's own pod does."
        ),
    ] = ""
    job_pods: Annotated[
        int, Meta(description="Pods of a Job; with nodeBlobs Jobs at a time, each on a node of its own.")
    ] = 4
    job_images: Annotated[int, Meta(description="Images handed to Jobs at a time.")] = 100
    job_kept_s: Annotated[int, Meta(description="So long a Job is there once it has ended.")] = 600

    @property
    def pace(self) -> Settings:
        """What it comes to in plans."""
        if self.job_template:
            # A pod takes one after the other, and leaves a registry in trouble alone.
            return Settings(
                at_a_time=self.job_images,
                at_a_time_of_place=self.job_images,
                gap_s=0.0,
                job_s=self.worker_s + JOB_MARGIN_S,
            )
        return Settings(
            at_a_time=self.workers,
            at_a_time_of_place=self.workers_of_registry,
            gap_s=self.gap_s,
            job_s=self.worker_s + JOB_MARGIN_S,
        )


class Place(Struct, frozen=True):
    """Where results go."""

    home: str = HOME
    """Namespace of results about images."""
    kube_context: str = ""
    kubeconfig: str = ""


class Start(Struct, frozen=True):
    """The first line that a worker is given."""

    settings: ImageSettings
    place: Place


class ImageTask(Struct, frozen=True):
    """One image to scan."""

    digest: str
    is_id: bool
    sources: tuple[NamedSource, ...]
    manifest: str = ""
    """Name of the stored VulnerabilityManifest, where that is enough; empty where the image is to be fetched."""
    acceptance: Acceptance = Acceptance()
    """What is accepted in it."""
    is_scanned: bool = False
    """Whether the stored result remains valid, and only what is accepted in it is looked at again."""


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
    accepted: AcceptedInImage = AcceptedInImage()


def task_of(image: ImageOfCluster, manifest: str, acceptance: Acceptance) -> ImageTask:
    return ImageTask(image.digest, image.is_id, image.sources, manifest, acceptance)
