"""A kubelet may change other nodes and the pods on them.

NodeRestriction limits each kubelet to its own Node object and to pods bound to it, and keeps it from
labelling itself into a protected group. It is not among the plugins that are on by default: kubeadm
adds it, hand-made manifests often do not.

Fix: add ``NodeRestriction`` to ``--enable-admission-plugins``, together with the Node authoriser.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --enable-admission-plugins=PodNodeSelector]

Cannot see: whether kubelets sign in as ``system:node:<name>``, without which the plugin has no one to
restrict.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0127",
    "Ensure that the admission control plugin NodeRestriction is set",
    problem="NodeRestriction admission is off",
    consequence="cluster takeover",
    score=7.0,
    reference_score=4.0,
    category="Control plane",
)
def no_node_restriction(api_server: ApiServer) -> Violations:
    if "NodeRestriction" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "NodeRestriction")
