"""etcd has no certificate for its clients, so what the cluster stores crosses the network in the open.

Every secret passes between etcd and the API server. Neither flag has a default, nor have the
environment variables that etcd takes in their place.

Fix: sign a certificate for each member and name its files with ``--cert-file`` and ``--key-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --client-cert-auth=true]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0153",
    "Ensure that the --cert-file and --key-file arguments are set as appropriate",
    problem="etcd without TLS",
    consequence="secrets",
    score=9.0,
    reference_score=8.0,
    category="Control plane",
)
def etcd_without_tls(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    else:
        yield from etcd.missing(
            ("cert-file", "<path/to/tls-certificate-file.crt>"), ("key-file", "<path/to/tls-key-file.key>")
        )
