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

See: https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
"""

import re

from leadline.posture.control import Resource, Review, Violations, control, mapping

ADDRESS = re.compile(r"""^metricsBindAddress:[ \t]*["']?([^"'\s#]*)""", re.MULTILINE)
LOOPBACK = ("127.", "[::1]", "::1", "localhost")


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
)
def kube_proxy_metrics_open(config_map: Resource) -> Violations:
    data = mapping(config_map.body.get("data"))
    source = next((data[key] for key in ("config.conf", "kubeconfig.conf", "config") if data.get(key)), "")
    found = ADDRESS.search(source) if isinstance(source, str) else None
    if found is not None and found[1] and not found[1].startswith(LOOPBACK):
        yield Review("data")
