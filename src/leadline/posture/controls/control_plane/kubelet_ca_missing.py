"""The API server does not check that it is talking to a real kubelet.

Someone between the two can pose as a node and read what goes through: commands, logs, and the tokens
sent along. Nothing is checked by default, and kubeadm leaves it so, because the kubelets' own
certificates are signed by themselves at first.

Fix: let the cluster's CA sign the kubelets' serving certificates, then name it with the flag.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --v=2]

Cannot see: who signed the certificates of the kubelets.

See: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#kubelet-serving-certs
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0117",
    "Ensure that the API Server --kubelet-certificate-authority argument is set as appropriate",
    problem="Kubelet certificates not verified",
    consequence="cluster takeover",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
)
def kubelet_ca_missing(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("kubelet-certificate-authority", "<path/to/ca.crt>"))
