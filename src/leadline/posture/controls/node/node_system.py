"""Which system a node runs, and what else runs on it."""

import re
from collections.abc import Mapping

from leadline.kube.version import parse_version
from leadline.posture import control_examples as examples
from leadline.posture.checks.host_files import CONTROL_PLANE, GROUP, KUBELET, facts_root
from leadline.posture.checks.kubelet import held
from leadline.posture.control import (
    Inventory,
    NotApplicable,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    mappings,
    text,
)

OLDEST_SUPPORTED = (1, 34, 0)
"""The oldest minor version that got fixes when this file was last looked at."""
KERNEL_VARIABLES = "LinuxKernelVariables.hostdata.kubescape.cloud"
FIXED_KERNELS = ((5, 1), {(5, 4): 173, (5, 10): 93, (5, 15): 16, (5, 16): 2})
"""The first release with the flaw, and by long-lived release the first patch without it; 5.17 and later have the fix."""
FIXED_BUILDS = {((5, 4), "generic"): 96, ((5, 13), "generic"): 27, ((5, 4), "azure"): 1067}
"""The first builds of Ubuntu with the fix, whose versions end in ``.0``: https://ubuntu.com/security/notices/USN-5240-1."""
Release = tuple[int, int]
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,5}))?(?:-(\d{1,6})[\d.]*-([a-z]+))?", re.ASCII)
PORTS = f"OpenPortsList.{GROUP}"
SSH = 22
LOOPBACK = ("0100007F", "127.0.0.1", "00000000000000000000000001000000", "::1")


@control(
    "C-0226",
    "Prefer using a container-optimized OS when possible",
    problem="General-purpose OS on the nodes",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Node",),
    cloud="EKS",
    example=examples.node(
        'kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.7.20", osImage: "Amazon Linux 2023"'
    ),
    see="https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-ami-bottlerocket.html",
)
def general_purpose_os(node: Resource) -> Violations:
    """An EKS node runs an operating system that is not made for containers alone.

    A general system brings shells, compilers and services that no pod needs; each is something to patch and
    something for an intruder to use.

    Fix: start nodes from Bottlerocket images, whose root cannot be written to.

    Cannot see: what the image has been stripped of.
    """
    if not text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("osImage")).startswith(
        "Bottlerocket"
    ):
        yield Review("status.nodeInfo.osImage")


@control(
    "C-0273",
    "Outdated Kubernetes version",
    problem="Outdated Kubernetes",
    score=6.0,
    reference_score=2.0,
    category="Control plane",
    kinds=("Node",),
    example=examples.node(
        'kubeletVersion: v1.33.9, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"'
    ),
    see="https://kubernetes.io/releases/",
)
def outdated_kubernetes(node: Resource) -> Violations:
    """A node runs a Kubernetes version that gets no more fixes.

    Each minor version is looked after for some fourteen months. Holes found later stay open, and everybody can
    read how they work.

    Fix: upgrade node by node, one minor version at a time.

    Cannot see: fixes that a vendor carries back beyond the usual time; versions that came out after this
    release.
    """
    version = parse_version(
        text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("kubeletVersion"))
    )
    if version is None or version < OLDEST_SUPPORTED:
        yield Review("status.nodeInfo.kubeletVersion")


@control(
    "C-0079",
    "CVE-2022-0185-linux-kernel-container-escape",
    problem="Kernel with a known container escape",
    consequence="node escape",
    score=7.0,
    reference_score=4.0,
    category="Workload",
    kinds=("Node",),
    reads=(KERNEL_VARIABLES,),
    example=examples.node(
        'kernelVersion: 5.13.0-25-generic, operatingSystem: linux, osImage: "Ubuntu 20.04.3 LTS"'
    ),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-0185",
)
def kernel_filesystem_context_overflow(node: Resource, inventory: Inventory) -> Violations:
    """A node runs a kernel in which a container can become root of the node.

    A number that wraps around in the file system context (CVE-2022-0185) lets anyone who may make user namespaces
    write beyond a buffer.

    Fix: upgrade the kernel to 5.16.2 or a build of your distribution that has the fix.

    Cannot see: fixes that a distribution puts into an older version, save for those of Ubuntu; whether pods may make user namespaces
    where no settings of the kernel were read.
    """
    seen = mapping(mapping(node.body.get("status")).get("nodeInfo"))
    if seen.get("operatingSystem", "linux") != "linux":
        return
    if has_fix(text(seen.get("kernelVersion")), *FIXED_KERNELS, FIXED_BUILDS):
        return
    variables = inventory.get(KERNEL_VARIABLES, "", node.name)
    body = variables.body if variables else {}
    for _, variable in mappings(mapping(body.get("spec")).get("kernelVariables") or body.get("data")):
        if variable.get("key") == "unprivileged_userns_clone" and text(variable.get("value")).strip() == "0":
            inventory.rest_on(variables)  # type: ignore[arg-type]
            return
    yield Review("status.nodeInfo.kernelVersion")


def has_fix(
    version: str,
    since: Release,
    patches: Mapping[Release, int],
    builds: Mapping[tuple[Release, str], int],
) -> bool:
    """``version`` is ``5.15.0-1051-azure``; ``since`` the first release with the flaw.

    ``patches`` holds the first fixed patch of each release that got one, ``builds`` the first fixed build of a
    distribution's flavour. Raises: ``NotJudged`` where only the distribution knows.
    """
    read = _VERSION.match(version)
    if read is None:
        raise NotJudged("the node reports no version of its kernel")
    release, patch = (int(read[1]), int(read[2])), int(read[3] or 0)
    if ".el" in version:
        raise NotJudged(
            f"{version[:60]} has parts of later kernels; whether it has the fix, Red Hat's security notices say"
        )
    if release < since or release > max(patches):
        return True
    build = builds.get((release, read[5] or ""))
    if build is not None and patch == 0:
        return int(read[4]) >= build
    if patch == 0 and "-" in version:
        raise NotJudged(
            f"whether the build {version[:60]} has the fix, its distribution's security notices say"
        )
    return patch >= patches.get(release, 1 << 20)


@control(
    "C-0233",
    "Consider Fargate for running untrusted workloads",
    problem="Untrusted workloads outside Fargate",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Node",),
    cloud="EKS",
    example=examples.node(
        'kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"'
    ),
    see="https://docs.aws.amazon.com/eks/latest/userguide/fargate.html",
)
def no_fargate(node: Resource, inventory: Inventory) -> Violations:
    """No node of this EKS cluster is a Fargate one.

    Pods that run untrusted code share a kernel with all others of their node; on Fargate each has a small
    machine to itself.

    Fix: make a Fargate profile for the namespaces that run untrusted code.

    Cannot see: whether the cluster runs untrusted code at all.
    """
    if not inventory.once("fargate", lambda: any(n.name.startswith("fargate") for n in inventory.of("Node"))):
        yield Review("", advice="run what is not trusted on Fargate, or on nodes with a sandbox")


@control(
    "L-0097",
    "No SSH server runs on the nodes",
    problem="SSH server on a node",
    score=3.0,
    category="Control plane",
    kinds=(PORTS,),
    see="https://kubernetes.io/docs/concepts/security/security-checklist/",
)
def ssh_on_node(node: Resource) -> Violations:
    """An SSH server answers on a node.

    Someone who signs in to a node passes by the API server, its rights and its audit log.

    Fix: stop and disable it; reach nodes through the serial console of the cloud or ``kubectl debug``.

    Example::

        apiVersion: hostdata.kubescape.cloud/v1beta1
        kind: OpenPortsList
        metadata: {name: n1}
        spec:
          tcpPorts: [{transport: tcp, localAddress: "00000000", localPort: 22}]

    Cannot see: servers on other ports.
    """
    root, body = facts_root(node)
    if "tcpPorts" not in body:
        raise NotJudged(f"the ports of node {node.name} are not in its facts")
    for index, port in mappings(body.get("tcpPorts")):
        if port.get("localPort") == SSH and port.get("localAddress") not in LOOPBACK:
            yield Review(f"{root}.tcpPorts[{index}]", advice="stop and disable the SSH server")


@control(
    "L-0098",
    "Kubelets of workers start no static Pods",
    problem="Static Pods on a worker",
    score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
    reads=(CONTROL_PLANE,),
    see="https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/",
)
def worker_with_static_pods(node: Resource, inventory: Inventory) -> Violations:
    """The kubelet of a worker starts Pods from files.

    Such Pods pass by admission: who may write to the folder runs what they like.

    Fix: remove ``staticPodPath`` from the configuration of kubelets outside of the control plane.

    Example::

        apiVersion: hostdata.kubescape.cloud/v1beta1
        kind: KubeletInfo
        metadata: {name: n1}
        spec:
          settings: [{name: staticPodPath, value: "/etc/kubernetes/manifests", origin: file, givenBy: /var/lib/kubelet/config.yaml}]
          unread: []

    Cannot see: whether files are in the folder.
    """
    setting = held(node, "staticPodPath")
    plane = inventory.get(CONTROL_PLANE, "", node.name)
    if plane is not None:
        inventory.rest_on(plane)
        raise NotApplicable("the control plane of the node itself starts from files")
    if setting.value:
        yield setting.instead("nothing")
