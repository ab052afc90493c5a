"""This subject can rewrite how names are resolved in the cluster.

The cluster's name server takes its settings from a ConfigMap in ``kube-system``. Anyone who changes it can
send the traffic of any pod to a server of their own, and no pod notices.

Fix: limit the role to the ConfigMaps it needs with ``resourceNames``, or bind it in another namespace
than ``kube-system``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [configmaps]
      verbs: [update]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: name servers whose settings are kept under a name of the owner's choice.

See: https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
"""

from leadline.kube.role_rules import ask
from leadline.posture.control import Rights, Violations, control

CHANGE_NAMES = ask(
    "update patch",
    "configmaps",
    names="coredns coredns-custom kube-dns node-local-dns rke2-coredns-rke2-coredns",
)
"""What CoreDNS of kubeadm, EKS, AKS, k3s and RKE2, kube-dns of GKE and the node-local cache read."""


@control(
    "C-0037",
    "CoreDNS poisoning",
    problem="May change the cluster DNS",
    consequence="other",
    score=6.0,
    reference_score=4.0,
    category="Access control",
)
def coredns_poisoning(rights: Rights) -> Violations:
    if rights.reaches in ("", "kube-system"):
        yield from rights.may_any((CHANGE_NAMES,))
