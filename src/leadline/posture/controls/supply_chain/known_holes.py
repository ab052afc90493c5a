"""Programs in versions with known vulnerabilities, or without maintainers."""

from leadline.kube.version import is_within, parse_version
from leadline.posture import control_examples as examples
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import (
    Container,
    Inventory,
    NotJudged,
    Remove,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    text,
)

ARGO_CD = (("0.0.0", "2.1.9"), ("2.2.0", "2.2.4"))
CONTAINERD = (("0.0.0", "1.4.13"), ("1.5.0", "1.5.10"), ("1.6.0", "1.6.1"))
GRAFANA = (("9.2.0", "9.2.4"),)
KYVERNO = (("1.8.3", "1.8.5"),)
KUBELETS = (("0.0.0", "1.19.15"), ("1.20.0", "1.20.11"), ("1.21.0", "1.21.5"), ("1.22.0", "1.22.2"))
INGRESS_NGINX = (("0.0.0", "0.49.1"), ("1.0.0", "1.0.1"))
CONTROLLERS = ("ingress-nginx/controller", "nginx-ingress-controller", "nginx-controller", "ingress-nginx")


def is_affected(version: str, versions: tuple[tuple[str, str], ...]) -> bool:
    """Whether ``version`` is at or above the first and below the second of one of ``versions``."""
    parsed = parse_version(version)
    return parsed is not None and is_within(parsed, versions)


@control(
    "C-0081",
    "CVE-2022-24348-argocddirtraversal",
    problem="Argo CD reads files outside its folder",
    consequence="secrets",
    score=6.0,
    reference_score=4.0,
    category="Workload",
    example=examples.image('"quay.io/argoproj/argocd:v2.2.3"'),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-24348",
)
def argocd_path_traversal(container: Container) -> Violations:
    """This Argo CD lets a chart read files of other applications.

    With a crafted Helm chart anyone who may add an application reads files of the repository server, the
    credentials of other applications among them.

    Fix: move to 2.1.9, 2.2.4, 2.3 or later.

    Cannot see: a fixed build under the old tag.
    """
    name = parse_image_name(container.image)
    if name.program == "argocd" and is_affected(name.tag, ARGO_CD):
        yield Review("image")


@control(
    "C-0087",
    "CVE-2022-23648-containerd-fs-escape",
    problem="containerd exposes files of the node",
    consequence="secrets",
    score=7.0,
    category="Workload",
    kinds=("Node",),
    example=examples.node(
        'kubeletVersion: v1.35.1, containerRuntimeVersion: "containerd://1.5.9", osImage: "Debian 12"'
    ),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-23648",
)
def containerd_path_traversal(node: Resource) -> Violations:
    """A node runs a containerd that can be made to read files of the node.

    A crafted image volume gives its container a read-only copy of any file of the node, keys included.

    Fix: upgrade containerd to 1.4.13, 1.5.10, 1.6.1 or later.

    Cannot see: a fixed build that kept the version number.
    """
    runtime, _, number = text(
        mapping(mapping(node.body.get("status")).get("nodeInfo")).get("containerRuntimeVersion")
    ).partition("://")
    if runtime == "containerd" and is_affected(number, CONTAINERD):
        yield Review("status.nodeInfo.containerRuntimeVersion")


@control(
    "C-0090",
    "CVE-2022-39328-grafana-auth-bypass",
    problem="Grafana login can be bypassed",
    consequence="reachable from outside",
    score=8.0,
    reference_score=9.0,
    category="Workload",
    example=examples.image('"grafana/grafana:9.2.3"'),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-39328",
)
def grafana_login_bypass(container: Container) -> Violations:
    """This Grafana can mix up two requests and treat a caller as signed in who is not.

    Under load the login check of one request can be applied to another, so that protected pages answer to
    anyone.

    Fix: move to 9.2.4 or later.

    Cannot see: a fixed build under the old tag.
    """
    name = parse_image_name(container.image)
    if name.program in ("grafana", "grafana-oss", "grafana-enterprise") and is_affected(name.tag, GRAFANA):
        yield Review("image")


@control(
    "C-0091",
    "CVE-2022-47633-kyverno-signature-bypass",
    problem="Kyverno accepts forged signatures",
    score=7.0,
    reference_score=8.0,
    category="Workload",
    example=examples.image('"ghcr.io/kyverno/kyverno:v1.8.4"'),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-47633",
)
def kyverno_signature_bypass(container: Container) -> Violations:
    """This Kyverno can be shown one image and made to admit another.

    A registry under an intruder's control answers the check of the signature with a good image and the pull
    with a bad one, so that unsigned images pass.

    Fix: move to 1.8.5 or later.

    Cannot see: a fixed build under the old tag.
    """
    name = parse_image_name(container.image)
    if name.program == "kyverno" and is_affected(name.tag, KYVERNO):
        yield Review("image")


@control(
    "C-0058",
    "CVE-2021-25741 - Using symlink for arbitrary host file system access.",
    problem="Kubelet lets volumes escape by symlink",
    consequence="node escape",
    score=6.0,
    category="Workload",
    reads=("Node",),
    see="https://nvd.nist.gov/vuln/detail/CVE-2021-25741",
)
def kubelet_symlink_escape(container: Container, inventory: Inventory) -> Violations:
    """A volume is mounted by ``subPath`` in a cluster whose kubelet follows links out of it.

    Anyone who may create pods can put a symbolic link into the volume at the right moment and so mount any folder
    of the node (CVE-2021-25741).

    Fix: upgrade the nodes to 1.19.15, 1.20.11, 1.21.5, 1.22.2 or later; until then mount whole volumes.

    Example::

        apiVersion: v1
        kind: Node
        metadata: {name: n1}
        status:
          nodeInfo: {kubeletVersion: v1.21.4, containerRuntimeVersion: "containerd://1.7.20", osImage: "Debian 12"}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          containers:
          - name: web
            image: nginx:1.27
            volumeMounts:
            - {name: d, mountPath: /d, subPath: a}

    Cannot see: which node the pod runs on: one affected node is enough for a finding.
    """
    if not inventory.of("Node"):
        raise NotJudged("no Node was read, and its kubelet's version decides")
    for m, mount in container.mounts:
        node = mount.get("subPath") and inventory.once("CVE-2021-25741", lambda: affected_node(inventory))
        if node:
            inventory.rest_on(node)
            yield Remove(f"volumeMounts[{m}].subPath")


def affected_node(inventory: Inventory) -> Resource | None:
    for node in inventory.of("Node"):
        version = text(mapping(mapping(node.body.get("status")).get("nodeInfo")).get("kubeletVersion"))
        if is_affected(version, KUBELETS):
            return node
    return None


@control(
    "C-0059",
    "CVE-2021-25742-nginx-ingress-snippet-annotation-vulnerability",
    problem="Ingress controller runs snippets",
    consequence="secrets",
    score=8.0,
    category="Workload",
    reads=("ConfigMap",),
    example=examples.image(
        '"k8s.gcr.io/ingress-nginx/controller:v1.0.0"', name="ingress", container="controller"
    ),
    see="https://nvd.nist.gov/vuln/detail/CVE-2021-25742",
)
def nginx_ingress_snippets(container: Container, inventory: Inventory) -> Violations:
    """This ingress controller runs code that users write into annotations.

    Anyone who may create an Ingress can put a configuration snippet into it and so read the controller's token,
    which sees every Secret of the cluster.

    Fix: move to 0.49.1, 1.0.1 or later, and set ``allow-snippet-annotations: "false"`` in the controller's
    ConfigMap.

    Cannot see: which ConfigMap the controller really reads.
    """
    name = parse_image_name(container.image)
    if name.repository.endswith(CONTROLLERS) and is_affected(name.tag, INGRESS_NGINX):
        namespace = container.workload.namespace
        if not any(
            (config_map.namespace or "default") == namespace
            and str(mapping(config_map.body.get("data")).get("allow-snippet-annotations")).lower() == "false"
            for config_map in inventory.of("ConfigMap")
        ):
            yield Review("image")


@control(
    "C-0292",
    "Nginx Ingress Controller End of Life",
    problem="Retired ingress-nginx in use",
    consequence="reachable from outside",
    score=6.0,
    category="Workload / Resource management",
    example=examples.image(
        '"registry.k8s.io/ingress-nginx/controller:v1.9.4"', name="ingress", container="controller"
    ),
    see="https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",
)
def retired_nginx_ingress(container: Container) -> Violations:
    """The workload runs ingress-nginx, whose maintenance has ended.

    The project stopped in March 2026: holes found in it since then stay open, in a program that faces the
    internet and may read every Secret that an Ingress names.

    Fix: move to a controller that is maintained, or to the Gateway API; until then keep its snippets and its
    rights small.

    Cannot see: forks that a vendor still fixes under the same name.
    """
    name = parse_image_name(container.image)
    is_kubernetes_own = name.registry in ("registry.k8s.io", "k8s.gcr.io") and name.repository.startswith(
        "ingress-nginx"
    )
    if is_kubernetes_own or name.repository.endswith("ingress-nginx/controller"):
        yield Review("image")


@control(
    "L-0039",
    "Tiller is gone",
    problem="Tiller (Helm 2) in use",
    consequence="cluster takeover",
    score=8.0,
    category="Workload / Supply chain",
    see="https://helm.sh/docs/topics/v2_v3_migration/",
)
def tiller(container: Container) -> Violations:
    """Tiller, the server of Helm 2, takes orders from everyone who reaches its port.

    It installs whatever it is sent with its own rights, mostly those of an administrator. Helm 3 works without it, and there
    have been no fixes since 2020.

    Fix: migrate the releases to Helm 3 and delete Tiller.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          containers:
          - {name: tiller, image: "ghcr.io/helm/tiller:v2.17.0"}

    Cannot see: a Tiller that was built under another name.
    """
    if parse_image_name(container.image).program == "tiller":
        yield Review("image")
