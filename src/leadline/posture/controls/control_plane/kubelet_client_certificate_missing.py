"""The API server does not show the kubelets who it is.

Kubelets then have to answer callers without a certificate, or logs and commands in pods stop working.
Both flags are empty by default; kubeadm sets them.

Fix: make a client certificate for the API server and give its two files with the flags.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt]

Cannot see: whether the kubelets accept anonymous callers, and whether the files exist.

See: https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0116",
    "Ensure that the API Server --kubelet-client-certificate and --kubelet-client-key arguments are set as appropriate",
    problem="No client certificate for kubelets",
    consequence="cluster takeover",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
)
def kubelet_client_certificate_missing(api_server: ApiServer) -> Violations:
    yield from api_server.missing(
        ("kubelet-client-certificate", "<path/to/appropriate/file>"),
        ("kubelet-client-key", "<path/to/appropriate/file>"),
    )
