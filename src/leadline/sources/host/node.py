"""All that is read of a node."""

import socket
from collections.abc import Mapping
from typing import Any

import orjson

from leadline.errors import SourceError
from leadline.model.host import (
    Facts,
    HostFacts,
    KernelFacts,
    KernelVariable,
    NetworkFacts,
    PortFact,
    PortFacts,
    TextFacts,
)
from leadline.sources.host.commands import Words, processes
from leadline.sources.host.control_plane import control_plane_facts
from leadline.sources.host.distributions import Distribution, distribution_of
from leadline.sources.host.gathering import Gathering
from leadline.sources.host.kubelet import kubelet_facts, proxy_facts
from leadline.sources.host.root_tree import RootTree

KERNEL_SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/unprivileged_userns_clone",
    "net/ipv4/ip_forward",
    "user/max_user_namespaces",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""Below ``/proc/sys``: what the kubelet asks for with ``protectKernelDefaults``, and who may make user namespaces."""
_MOST_PORTS = 5_000
_LISTENING = "0A"
_UNCONNECTED = "07"
"""https://docs.kernel.org/networking/proc_net_tcp.html: the states TCP_LISTEN, and TCP_CLOSE, in which a UDP socket takes from all."""
_HOSTNAME_BYTES = 300


def host_facts(
    root: str,
    node: str = "",
    *,
    kubelet_version: str = "",
    configz: Mapping[str, Any] | None = None,
) -> HostFacts:
    """What the node below ``root`` says; ``node`` is its name, by default what its kubelet or itself is called.

    Raises: ``SourceError`` where the root is missing, or holds nothing of a node.
    """
    tree = RootTree(root)
    try:
        return _read(tree, root, node, kubelet_version, configz)
    finally:
        tree.close()


def _read(tree: RootTree, root: str, node: str, version: str, configz: Mapping[str, Any] | None) -> HostFacts:
    gathering = Gathering(tree)
    running: dict[str, Words] = gathering.tried("processes", "/proc", lambda: processes(tree), {})
    own = distribution_of(tree)
    node = node or _name(tree, running) or (socket.gethostname() if root == "/" else "node")
    kubelet = kubelet_facts(tree, node, own, running, version=version, configz=configz)
    manifests = next((str(one.value) for one in kubelet.settings if one.name == "staticPodPath"), "")
    control_plane, pods = control_plane_facts(tree, node, own, running, manifests)
    is_kubelet_there = bool(kubelet.cmd_line or kubelet.config_file or kubelet.kube_config_file)
    if not is_kubelet_there and control_plane is None:
        denied = f"; {kubelet.unread[0].path}: {kubelet.unread[0].why}" if kubelet.unread else ""
        raise SourceError(
            f"no kubelet and no control plane were found below {root}{denied}",
            hint="run it on a node, or name the mounted root of one with --root",
        )
    objects: list[tuple[str, Facts]] = [
        ("KubeletInfo", kubelet),
        ("KubeProxyInfo", proxy_facts(tree, node, own, running)),
        ("CNIInfo", _network(tree, node, own)),
        ("LinuxKernelVariables", _kernel(tree, node)),
    ]
    if control_plane is not None:
        objects.append(("ControlPlaneInfo", control_plane))
    for kind, path in (("KernelVersion", "/proc/sys/kernel/osrelease"), ("OsReleaseFile", "/etc/os-release")):
        content = _text(tree, path)
        if content:
            objects.append((kind, TextFacts(node, content)))
    ports = _ports(tree, node)
    if ports is not None:
        objects.append(("OpenPortsList", ports))
    return HostFacts(node, tuple(objects), pods)


def _name(tree: RootTree, running: Mapping[str, Words]) -> str:
    for word in running.get("kubelet", ()):
        if word.startswith("--hostname-override="):
            return word.partition("=")[2]
    return _text(tree, "/etc/hostname", _HOSTNAME_BYTES).strip().lower()


def _network(tree: RootTree, node: str, own: Distribution) -> NetworkFacts:
    gathering = Gathering(tree)
    field = "CNIConfigFiles"
    paths = [path for folder in own.cni for path in gathering.below(field, folder, 2)]
    kept = [path for path in paths if path.endswith((".conf", ".conflist", ".json", "-kubeconfig"))]
    names = [name for path in kept for name in _plugins(gathering, path)]
    return NetworkFacts(
        node,
        cni_config_files=gathering.files(field, kept),
        cni_names=tuple(dict.fromkeys(names)),
        unread=gathering.unread,
    )


def _plugins(gathering: Gathering, path: str) -> list[str]:
    if path.endswith("-kubeconfig"):
        return []
    body = gathering.document("CNINames", path) or {}
    plugins = body.get("plugins")
    listed = plugins if isinstance(plugins, list) else [body]
    return [one["type"] for one in listed if isinstance(one, dict) and isinstance(one.get("type"), str)]


def _kernel(tree: RootTree, node: str) -> KernelFacts:
    gathering = Gathering(tree)
    variables = []
    for name in KERNEL_SETTINGS:
        path = f"/proc/sys/{name}"
        content = gathering.content("kernelVariables", path)
        if content is not None:
            variables.append(
                KernelVariable(name.rpartition("/")[2], content.decode("utf-8", "replace"), path)
            )
    return KernelFacts(node, kernel_variables=tuple(variables), unread=gathering.unread)


def _ports(tree: RootTree, node: str) -> PortFacts | None:
    """``None`` where the tables of the kernel are not there. Those of process 1 are the node's own."""
    found: dict[str, list[PortFact]] = {}
    for name, state in (
        ("tcp", _LISTENING),
        ("tcp6", _LISTENING),
        ("udp", _UNCONNECTED),
        ("udp6", _UNCONNECTED),
    ):
        content = _text(tree, f"/proc/1/net/{name}", 4 << 20)
        if not content:
            continue
        ports = found.setdefault(name[:3], [])
        for line in content.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 3 and fields[3] == state and len(ports) < _MOST_PORTS:
                address, _, port = fields[1].partition(":")
                ports.append(PortFact(name, address, int(port, 16)))
    return PortFacts(node, tuple(found.get("tcp", ())), tuple(found.get("udp", ()))) if found else None


def _text(tree: RootTree, path: str, most: int = 1 << 16) -> str:
    try:
        return (tree.read(path, most) or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def read_configz(content: bytes) -> dict[str, Any]:
    """What a kubelet answers to ``/configz``. Raises: ``SourceError`` where it is none."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SourceError(f"the answer to /configz is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("kubeletconfig"), dict):
        raise SourceError(
            "the answer to /configz has no kubeletconfig", hint="ask the kubelet at its port 10250"
        )
    return body
