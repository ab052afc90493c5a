"""Who reaches the parts of the control plane, and by which certificates."""

import re

from leadline.kube.version import is_within, parse_version
from leadline.posture.control import (
    Etcd,
    Inventory,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
    text,
)

FOLLOWS_REDIRECTS = (("0.0.0", "1.22.14"), ("1.23.0", "1.23.11"), ("1.24.0", "1.24.5"), ("1.25.0", "1.25.1"))
METRICS_ADDRESS = re.compile(r"""^metricsBindAddress:[ \t]*["']?([^"'\s#]*)""", re.MULTILINE)
LOOPBACK = ("127.", "[::1]", "::1", "localhost")


@control(
    "C-0089",
    "CVE-2022-3172-aggregated-API-server-redirect",
    problem="Aggregated API server may redirect",
    consequence="secrets",
    score=4.0,
    reference_score=3.0,
    category="Workload",
    kinds=("APIService.apiregistration.k8s.io",),
    reads=("Service",),
    see="https://nvd.nist.gov/vuln/detail/CVE-2022-3172",
)
def aggregated_api_redirect(api: Resource, inventory: Inventory) -> Violations:
    """An aggregated API is served while the API server follows its redirects.

    Anyone who runs that service can send clients, with their credentials, to a place of their choosing
    (CVE-2022-3172).

    Fix: upgrade the API server to 1.22.14, 1.23.11, 1.24.5, 1.25.1 or later; take out APIServices you do not
    trust.

    Example::

        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1.metrics.example}
        spec:
          service: {name: metrics, namespace: kube-system}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: metrics, namespace: kube-system}

    Cannot see: the API server's version where only files are scanned; nothing is judged then.
    """
    service = mapping(mapping(api.body.get("spec")).get("service"))
    found = (
        inventory.get("Service", text(service.get("namespace")), text(service.get("name")))
        if service
        else None
    )
    version = parse_version(inventory.server_version)
    if version is None:
        raise NotJudged("the version of the API server is not known")
    if found is not None and is_within(version, FOLLOWS_REDIRECTS):
        yield Review("", advice="upgrade the API server, or delete the APIService if nothing asks it")
        yield Review("", on=found.id, advice="check who may change the pods that it leads to")


@control(
    "C-0159",
    "Ensure that a unique Certificate Authority is used for etcd",
    problem="etcd shares the cluster's CA",
    consequence="cluster takeover",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
    reads=("Pod",),
    see="https://kubernetes.io/docs/setup/best-practices/certificates/#single-root-ca",
)
def etcd_shares_ca(etcd: Etcd, inventory: Inventory) -> Violations:
    """etcd trusts the same CA that signs the certificates of the cluster's users.

    Every user and kubelet with a certificate of the cluster may then open etcd itself and pass by RBAC and
    the audit log. kubeadm makes a CA for etcd alone.

    Fix: make a CA of its own for etcd, sign its certificates and the API server's client
    certificate with it, and name it with ``--trusted-ca-file``.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: etcd-n1, namespace: kube-system}
        spec:
          containers:
          - name: etcd
            image: registry.k8s.io/etcd:3.6.4-0
            command:
            - etcd
            - --trusted-ca-file=/etc/pki/ca.crt
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: kube-apiserver-n1, namespace: kube-system}
        spec:
          containers:
          - name: kube-apiserver
            image: registry.k8s.io/kube-apiserver:v1.34.2
            command:
            - kube-apiserver
            - --client-ca-file=/etc/pki/ca.crt

    Cannot see: the same CA under two file names; an etcd or API server that is not part of the
    target.
    """
    own = etcd.flag("trusted-ca-file")
    if own is None or etcd.settings_file:
        return
    for process in inventory.control_plane:
        if process.program != "kube-apiserver" or etcd.resource.namespace != process.resource.namespace:
            continue
        clients = process.flag("client-ca-file")
        if clients and clients.value == own.value:
            yield etcd.change(own, "<path/to/different-tls-certificate-file.crt>")
            yield process.review(clients)
            return


def is_kube_proxy(config_map: Resource) -> bool:
    return config_map.name == "kube-proxy" and config_map.namespace == "kube-system"


@control(
    "C-0291",
    "Ensure that the kube-proxy metrics service is bound to localhost",
    problem="kube-proxy metrics on every address",
    consequence="reachable from outside",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=("ConfigMap",),
    applies=is_kube_proxy,
    see="https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",
)
def kube_proxy_metrics_open(config_map: Resource) -> Violations:
    """kube-proxy offers its metrics to the whole network.

    The pages list every Service and its endpoints, and the debugging pages beside them cost processor time
    to anyone who asks.

    Fix: set ``metricsBindAddress: 127.0.0.1:10249`` in the ConfigMap, or leave it out, which means the same.

    Example::

        apiVersion: v1
        kind: ConfigMap
        metadata: {name: kube-proxy, namespace: kube-system}
        data:
          config.conf: |
            kind: KubeProxyConfiguration
            metricsBindAddress: 0.0.0.0:10249

    Cannot see: flags on the command line of kube-proxy, which win over the file.
    """
    data = mapping(config_map.body.get("data"))
    source = next((data[key] for key in ("config.conf", "kubeconfig.conf", "config") if data.get(key)), "")
    found = METRICS_ADDRESS.search(source) if isinstance(source, str) else None
    if found is not None and found[1] and not found[1].startswith(LOOPBACK):
        yield Review("data")
