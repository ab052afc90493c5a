"""The served kinds, one row each: discovery, OpenAPI, tables, validation and limits follow from the row."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
from msgspec import Struct

from leadline.programs.apiserver import columns, shapes, tidy
from leadline.programs.apiserver.columns import Column
from leadline.programs.apiserver.shape import ANY, TEXT, Checker, Shape, record, zero

GROUP = "spdx.softwarecomposition.kubescape.io"
VERSION = "v1beta1"
OUR_GROUP = "leadline.dev"
OUR_VERSION = "v1alpha1"

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READING = ("get", "list", "watch")
VIEWING = ("get", "list")
MIB = 2**20

Body = dict[str, Any]


class Kind(Struct, frozen=True):
    name: str
    plural: str
    spec: Shape
    columns: tuple[Column, ...]
    is_namespaced: bool = True
    is_computed: bool = False
    """Made from other kinds; cannot be written."""
    is_view: bool = False
    """Worked out when it is asked for, so that it cannot be watched either."""
    lists_whole: bool = False
    """Lists and watches show the whole object although it is not asked for; elsewhere existing clients expect zeros."""
    more: Mapping[str, Shape] = {}
    """Fields beside ``metadata`` and ``spec``."""
    max_bytes: int = 400_000
    """Of one object as a request body."""
    max_writers: int = 100
    """Requests that write at a time; the next is asked to come again."""
    tidy: Callable[[Body], None] = tidy.nothing
    """Brings a body into the exact form that clients rely on."""
    group: str = GROUP
    version: str = VERSION

    @property
    def singular(self) -> str:
        return self.name.lower()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    @property
    def verbs(self) -> tuple[str, ...]:
        if self.is_view:
            return VIEWING
        return READING if self.is_computed else VERBS

    @property
    def shape(self) -> Shape:
        """Of everything besides ``kind``, ``apiVersion`` and ``metadata``."""
        return record({"spec": self.spec, **self.more})


class Served(Struct, frozen=True):
    """A kind with what is worked out of it once."""

    kind: Kind
    zero_body: bytes
    lenient: Checker
    strict: Checker


def serve(kind: Kind) -> Served:
    shape = record({"kind": TEXT, "apiVersion": TEXT, "metadata": shapes.METADATA, **kind.shape.fields})
    zeros = orjson.dumps(zero(kind.shape))
    return Served(kind, zeros, Checker(shape, strict=False), Checker(shape, strict=True))


_STATUS = {"status": record({})}

KINDS = (
    Kind(
        "WorkloadConfigurationScan",
        "workloadconfigurationscans",
        shapes.WORKLOAD_CONFIGURATION_SCAN,
        columns.CONFIGURATION_SCAN,
        more=_STATUS,
        tidy=tidy.configuration_scan,
        max_bytes=4 * MIB,
    ),
    Kind(
        "WorkloadConfigurationScanSummary",
        "workloadconfigurationscansummaries",
        shapes.WORKLOAD_CONFIGURATION_SCAN_SUMMARY,
        columns.CONFIGURATION_SUMMARY,
        more=_STATUS,
        tidy=tidy.configuration_summary,
    ),
    Kind(
        "ConfigurationScanSummary",
        "configurationscansummaries",
        shapes.CONFIGURATION_SCAN_SUMMARY,
        columns.NAMESPACE_CONFIGURATION,
        is_namespaced=False,
        is_computed=True,
        lists_whole=True,
    ),
    Kind(
        "VulnerabilityManifest",
        "vulnerabilitymanifests",
        shapes.VULNERABILITY_MANIFEST,
        columns.VULNERABILITIES,
        more=_STATUS,
        tidy=tidy.vulnerability_manifest,
        max_bytes=50 * MIB,
        max_writers=50,
    ),
    Kind(
        "VulnerabilityManifestSummary",
        "vulnerabilitymanifestsummaries",
        shapes.VULNERABILITY_MANIFEST_SUMMARY,
        columns.VULNERABILITY_COUNTS,
        more=_STATUS,
    ),
    Kind(
        "VulnerabilitySummary",
        "vulnerabilitysummaries",
        shapes.VULNERABILITY_SUMMARY,
        columns.NAMESPACE_VULNERABILITIES,
        is_namespaced=False,
        is_computed=True,
        lists_whole=True,
    ),
    Kind(
        "SBOMSyft",
        "sbomsyfts",
        shapes.SBOM,
        columns.SBOM,
        more=_STATUS,
        max_bytes=100 * MIB,
        max_writers=50,
    ),
    Kind(
        "SBOMSyftFiltered",
        "sbomsyftfiltereds",
        shapes.SBOM,
        columns.SBOM,
        more=_STATUS,
        max_bytes=50 * MIB,
        max_writers=50,
    ),
    Kind(
        "OpenVulnerabilityExchangeContainer",
        "openvulnerabilityexchangecontainers",
        shapes.OPEN_VEX,
        columns.OPEN_VEX,
        more=_STATUS,
        max_bytes=8 * MIB,
        max_writers=50,
    ),
    Kind(
        "ApplicationProfile",
        "applicationprofiles",
        shapes.APPLICATION_PROFILE,
        columns.PROFILE,
        more=_STATUS,
        max_bytes=20 * MIB,
        max_writers=50,
    ),
    Kind(
        "NetworkNeighborhood",
        "networkneighborhoods",
        shapes.NETWORK_NEIGHBORHOOD,
        columns.PROFILE,
        more=_STATUS,
        max_bytes=10 * MIB,
        max_writers=50,
    ),
    Kind(
        "ContainerProfile",
        "containerprofiles",
        shapes.CONTAINER_PROFILE,
        columns.PROFILE,
        more=_STATUS,
        max_bytes=5 * MIB // 2,
        max_writers=50,
    ),
    Kind(
        "GeneratedNetworkPolicy",
        "generatednetworkpolicies",
        shapes.GENERATED_NETWORK_POLICY,
        columns.NETWORK_POLICY,
        is_computed=True,
        lists_whole=True,
        more={"policyRef": shapes.POLICY_REFERENCES},
    ),
    Kind(
        "KnownServer",
        "knownservers",
        shapes.KNOWN_SERVERS,
        columns.KNOWN_SERVERS,
        is_namespaced=False,
        lists_whole=True,
        more=_STATUS,
    ),
    Kind(
        "CollapseConfiguration",
        "collapseconfigurations",
        shapes.COLLAPSE_CONFIGURATION,
        columns.COLLAPSE,
        is_namespaced=False,
        lists_whole=True,
    ),
    Kind(
        "SeccompProfile",
        "seccompprofiles",
        shapes.SECCOMP_PROFILE,
        columns.SECCOMP,
        more={"status": record({"containers?": ANY})},
    ),
    Kind(
        "ScanRun",
        "scanruns",
        shapes.SCAN_RUN,
        columns.SCAN_RUN,
        is_namespaced=False,
        lists_whole=True,
        more={"status": shapes.SCAN_RUN_STATUS},
        group=OUR_GROUP,
        version=OUR_VERSION,
    ),
    Kind(
        "ImageScan",
        "imagescans",
        shapes.IMAGE_SCAN,
        columns.IMAGE_SCAN,
        is_namespaced=False,
        lists_whole=True,
        more={"status": shapes.IMAGE_SCAN_STATUS},
        group=OUR_GROUP,
        version=OUR_VERSION,
    ),
    Kind(
        "ScanSchedule",
        "scanschedules",
        shapes.SCAN_SCHEDULE,
        columns.SCAN_SCHEDULE,
        is_namespaced=False,
        lists_whole=True,
        more={"status": shapes.SCAN_SCHEDULE_STATUS},
        group=OUR_GROUP,
        version=OUR_VERSION,
    ),
    Kind(
        "Finding",
        "findings",
        shapes.FINDING,
        columns.FINDING,
        is_computed=True,
        is_view=True,
        lists_whole=True,
        group=OUR_GROUP,
        version=OUR_VERSION,
    ),
)

Form = Literal["whole", "zeros", "metadata", "table"]
"""``zeros``: the real metadata, and zero values for everything else; ``metadata``: as PartialObjectMetadata."""
