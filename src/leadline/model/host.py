"""What is read of a node: files with owners and modes, settings with what decides them, and what could not be read.

The names on the wire are those of the kinds of ``hostdata.kubescape.cloud/v1beta1``, which existing clients read; what they do
not know (``settings``, ``arguments``, ``unread`` …) is beside theirs.
"""

from typing import Any

from msgspec import Struct, field

from leadline.model.kubelet_setting import Setting

API_VERSION = "hostdata.kubescape.cloud/v1beta1"
FACT_KINDS = frozenset(
    {
        "CNIInfo",
        "ControlPlaneInfo",
        "KernelVersion",
        "KubeProxyInfo",
        "KubeletInfo",
        "LinuxKernelVariables",
        "OpenPortsList",
        "OsReleaseFile",
    }
)


class Ownership(Struct, frozen=True):
    uid: int
    gid: int
    username: str = ""
    """Empty where the node has no name for the id."""
    groupname: str = ""


class FileFact(Struct, frozen=True):
    """A file or folder; never its content."""

    path: str
    """As the node sees it."""
    permissions: int
    """The mode without the type of file."""
    ownership: Ownership


class UnreadFact(Struct, frozen=True, omit_defaults=True):
    """What could not be read, and which right was missing."""

    field: str
    """Where it would be: ``APIServerInfo.specsFile``."""
    path: str
    why: str
    hint: str = ""


class KubeletFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    node_name: str
    unread: tuple[UnreadFact, ...] = field(name="unread")
    distribution: str = ""
    """``kubeadm``, ``k3s`` …, by the files that are there."""
    cmd_line: str = ""
    service_files: tuple[FileFact, ...] = ()
    config_file: FileFact | None = None
    drop_in_files: tuple[FileFact, ...] = ()
    kube_config_file: FileFact | None = None
    client_ca_file: FileFact | None = field(name="clientCAFile", default=None)
    cloud_config_file: FileFact | None = None
    """By which the node speaks to its cloud: ``azure.json``."""
    settings: tuple[Setting, ...] = ()


class KubeProxyFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    node_name: str
    unread: tuple[UnreadFact, ...] = field(name="unread")
    kube_config_file: FileFact | None = None
    cmd_line: str = ""


class ProcessFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A component of the control plane other than the API server."""

    specs_file: FileFact | None = None
    """Its static Pod."""
    config_file: FileFact | None = None
    """Its kubeconfig."""
    cmd_line: str = ""
    arguments: tuple[str, ...] = ()


class ApiServerFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    specs_file: FileFact | None = None
    cmd_line: str = ""
    arguments: tuple[str, ...] = ()
    encryption_provider_config_file: FileFact | None = None
    audit_policy_file: FileFact | None = None
    encryption: tuple[dict[str, Any], ...] | None = None
    """Kinds, and the types of the providers; no key. ``None`` where no file was read."""
    audit_policy: tuple[dict[str, Any], ...] | None = None
    """The rules of the policy."""


class ControlPlaneFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    node_name: str
    unread: tuple[UnreadFact, ...] = field(name="unread")
    api_server_info: ApiServerFacts | None = field(name="APIServerInfo", default=None)
    controller_manager_info: ProcessFacts | None = None
    scheduler_info: ProcessFacts | None = None
    etcd_config_file: FileFact | None = None
    etcd_data_dir: FileFact | None = None
    admin_config_file: FileFact | None = None
    super_admin_config_file: FileFact | None = None
    pki_dir: FileFact | None = field(name="PKIDir", default=None)
    pki_files: tuple[FileFact, ...] = field(name="PKIFiles", default=())


class NetworkFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    node_name: str
    unread: tuple[UnreadFact, ...] = field(name="unread")
    cni_config_files: tuple[FileFact, ...] = field(name="CNIConfigFiles", default=())
    cni_names: tuple[str, ...] = field(name="CNINames", default=())


class KernelVariable(Struct, frozen=True):
    key: str
    value: str
    source: str


class KernelFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    node_name: str
    unread: tuple[UnreadFact, ...] = field(name="unread")
    kernel_variables: tuple[KernelVariable, ...] = ()


class TextFacts(Struct, frozen=True, rename="camel"):
    """The version of the kernel, or ``/etc/os-release``."""

    node_name: str
    content: str


class PortFact(Struct, frozen=True, rename="camel"):
    transport: str
    local_address: str
    local_port: int


class PortFacts(Struct, frozen=True, rename="camel"):
    """What listens on the node."""

    node_name: str
    tcp_ports: tuple[PortFact, ...] = ()
    udp_ports: tuple[PortFact, ...] = ()


Facts = KubeletFacts | KubeProxyFacts | ControlPlaneFacts | NetworkFacts | KernelFacts | TextFacts | PortFacts


class HostFacts(Struct, frozen=True):
    """All that was read of one node."""

    node: str
    objects: tuple[tuple[str, Facts], ...]
    """Each with its kind."""
    static_pods: tuple[dict[str, Any], ...] = ()
    """The Pods that its kubelet starts from files, as the API server would show them."""

    @property
    def unread(self) -> tuple[UnreadFact, ...]:
        return tuple(one for _, facts in self.objects for one in getattr(facts, "unread", ()))
