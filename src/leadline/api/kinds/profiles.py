"""What containers were seen doing, and what follows from it: profiles, network policies and system calls."""

from typing import Annotated, Any

from msgspec import UNSET, field

from leadline.api.kind import MIB, Body, Column, Kind, at
from leadline.api.wire_type import HIDDEN, List, Maybe, Members, Texts, Wire, about


class NeighborPort(Wire, frozen=True):
    name: str = ""
    protocol: str = ""
    port: int = 0


class Neighbor(Wire, frozen=True):
    identifier: str = ""
    type: str = ""
    dns: str = ""
    dns_names: Texts = None
    ports: List[NeighborPort] = None
    pod_selector: Any = None
    namespace_selector: Any = None
    ip_address: str = ""
    ip_addresses: Maybe[Texts] = UNSET


class RunProgram(Wire, frozen=True):
    path: str = ""
    args: Maybe[Texts] = UNSET
    envs: Maybe[Texts] = UNSET
    args_required: Maybe[bool] = UNSET


class OpenedFile(Wire, frozen=True):
    path: str = ""
    flags: Texts = None


class CalledEndpoint(Wire, frozen=True):
    endpoint: str = ""
    methods: Texts = None
    internal: bool = False
    direction: str = ""
    headers: Any = None


class SyscallRule(Wire, frozen=True):
    names: Texts = None
    action: str = ""
    errno_ret: Maybe[int] = UNSET
    args: Maybe[List[Any]] = UNSET


class SeccompSpec(Wire, frozen=True):
    disabled: Maybe[bool] = UNSET
    base_profile_name: Maybe[str] = UNSET
    default_action: str = ""
    listener_path: Maybe[str] = UNSET
    listener_metadata: Maybe[str] = UNSET
    architectures: Maybe[Texts] = UNSET
    syscalls: Maybe[List[SyscallRule]] = UNSET
    flags: Maybe[Texts] = UNSET


class SeenSeccomp(Wire, frozen=True):
    name: Maybe[str] = UNSET
    path: Maybe[str] = UNSET
    spec: SeccompSpec = SeccompSpec()


class RulePolicy(Wire, frozen=True):
    process_allowed: Texts = None
    container_allowed: bool = False


class Activity(Wire, frozen=True):
    capabilities: Texts = None
    execs: Annotated[List[RunProgram], about("Programs that were run.")] = None
    opens: Annotated[List[OpenedFile], about("Files that were opened.")] = None
    syscalls: Texts = None
    seccomp_profile: Maybe[SeenSeccomp] = UNSET
    endpoints: List[CalledEndpoint] = None
    image_id: str = field(default="", name="imageID")
    image_tag: str = ""
    rule_policies: dict[str, RulePolicy] = {}
    identified_call_stacks: List[Any] = None


class ContainerBehaviour(Activity, frozen=True):
    """What one container was seen doing."""

    leading = ("architectures",)
    architectures: Texts = None
    match_labels: dict[str, str] = {}
    match_expressions: List[Any] = None
    ingress: List[Neighbor] = None
    egress: List[Neighbor] = None
    recorded: Annotated[Maybe[Any], HIDDEN] = UNSET
    """All that the agent recorded: with times, programs and what was loaded."""


class ContainerProfile(Wire, frozen=True):
    spec: ContainerBehaviour = ContainerBehaviour()
    status: Members = {}


class ActiveContainer(Activity, frozen=True):
    leading = ("name",)
    name: str = ""


class WorkloadBehaviour(Wire, frozen=True):
    """What the containers of one workload were seen doing."""

    architectures: Texts = None
    containers: List[ActiveContainer] = None
    init_containers: List[ActiveContainer] = None
    ephemeral_containers: List[ActiveContainer] = None


class ApplicationProfile(Wire, frozen=True):
    spec: WorkloadBehaviour = WorkloadBehaviour()
    status: Members = {}


class TalkingContainer(Wire, frozen=True):
    name: str = ""
    ingress: List[Neighbor] = None
    egress: List[Neighbor] = None


class WorkloadNeighbors(Wire, frozen=True):
    """Whom the containers of one workload were seen talking to."""

    match_labels: dict[str, str] = {}
    match_expressions: List[Any] = None
    containers: List[TalkingContainer] = None
    init_containers: List[TalkingContainer] = None
    ephemeral_containers: List[TalkingContainer] = None


class NetworkNeighborhood(Wire, frozen=True):
    spec: WorkloadNeighbors = WorkloadNeighbors()
    status: Members = {}


class PolicySpec(Wire, frozen=True):
    pod_selector: Members = {}
    policy_types: Texts = None
    ingress: List[Any] = None
    egress: List[Any] = None


class WholePolicy(Wire, frozen=True):
    """A whole NetworkPolicy of networking.k8s.io/v1 that lets through what was seen; computed."""

    kind: str = ""
    api_version: str = ""
    metadata: Members = {}
    spec: PolicySpec = PolicySpec()


class PolicyReference(Wire, frozen=True):
    ip_block: str = ""
    original_ip: str = field(default="", name="originalIP")
    dns: str = ""
    name: str = ""
    server: str = ""


class GeneratedNetworkPolicy(Wire, frozen=True):
    spec: WholePolicy = WholePolicy()
    policy_ref: Annotated[
        List[PolicyReference], about("What is known about the addresses in the policy.")
    ] = None


class ServerRange(Wire, frozen=True):
    ip_block: str = ""
    server: str = ""
    name: str = ""


class KnownServer(Wire, frozen=True):
    spec: Annotated[List[ServerRange], about("Address ranges and whose they are.")] = None
    status: Members = {}


class CollapseRule(Wire, frozen=True):
    prefix: str = ""
    threshold: int = 0


class CollapseThresholds(Wire, frozen=True):
    """From how many siblings on paths are generalised in profiles."""

    open_dynamic_threshold: int = 0
    endpoint_dynamic_threshold: int = 0
    collapse_configs: List[CollapseRule] = None


class CollapseConfiguration(Wire, frozen=True):
    spec: CollapseThresholds = CollapseThresholds()


class SeccompContainer(Wire, frozen=True):
    name: str = ""
    path: str = ""
    spec: SeccompSpec = SeccompSpec()


class NeededSyscalls(Wire, frozen=True):
    """The system calls that the containers of one workload need."""

    containers: Maybe[List[SeccompContainer]] = UNSET
    init_containers: Maybe[List[SeccompContainer]] = UNSET
    ephemeral_containers: Maybe[List[SeccompContainer]] = UNSET


class SeccompStatus(Wire, frozen=True):
    containers: Any = UNSET


class SeccompProfile(Wire, frozen=True):
    spec: NeededSyscalls = NeededSyscalls()
    status: SeccompStatus = SeccompStatus()


def _containers(body: Body) -> int:
    found = (at(body, "spec", name) for name in ("containers", "initContainers", "ephemeralContainers"))
    return sum(len(one) for one in found if isinstance(one, list | dict))


_WORKLOAD = Column("Workload", "string", "label:workload-name", "the workload")
_PROFILE_COLUMNS = (
    Column("Status", "string", "annotation:status", "how far learning is"),
    Column("Completion", "string", "annotation:completion", "whether it was seen from the start"),
    _WORKLOAD,
    Column("Containers", "integer", _containers, "containers seen", 1),
)

APPLICATION_PROFILES = Kind(
    ApplicationProfile,
    "applicationprofiles",
    _PROFILE_COLUMNS,
    max_bytes=20 * MIB,
    max_writers=50,
    short_names=("aprof",),
)
NEIGHBORHOODS = Kind(
    NetworkNeighborhood,
    "networkneighborhoods",
    _PROFILE_COLUMNS,
    max_bytes=10 * MIB,
    max_writers=50,
    short_names=("nnh",),
)
CONTAINER_PROFILES = Kind(
    ContainerProfile,
    "containerprofiles",
    _PROFILE_COLUMNS,
    max_bytes=6 * MIB,
    max_writers=50,
    short_names=("cprof",),
)
GENERATED_POLICIES = Kind(
    GeneratedNetworkPolicy,
    "generatednetworkpolicies",
    (
        Column("Ingress", "integer", "spec.spec.ingress", "rules for incoming traffic"),
        Column("Egress", "integer", "spec.spec.egress", "rules for outgoing traffic"),
        _WORKLOAD,
    ),
    is_computed=True,
    lists_whole=True,
    short_names=("gnp",),
)
KNOWN_SERVERS = Kind(
    KnownServer,
    "knownservers",
    (Column("Entries", "integer", "spec", "address ranges"),),
    is_namespaced=False,
    lists_whole=True,
    short_names=("kserver",),
)
COLLAPSE_CONFIGURATIONS = Kind(
    CollapseConfiguration,
    "collapseconfigurations",
    (
        Column(
            "Opens",
            "integer",
            lambda body: at(body, "spec", "openDynamicThreshold"),
            "threshold for files",
        ),
        Column(
            "Endpoints",
            "integer",
            lambda body: at(body, "spec", "endpointDynamicThreshold"),
            "threshold for endpoints",
        ),
    ),
    is_namespaced=False,
    lists_whole=True,
    short_names=("ccfg",),
)
SECCOMP_PROFILES = Kind(
    SeccompProfile,
    "seccompprofiles",
    (Column("Containers", "integer", _containers, "containers with a profile"),),
    short_names=("secprof",),
)
