"""The members of etcd exchange everything the cluster stores without encryption.

Each write travels to all members. The two flags have no default; a cluster of a single member has no
peers, but opens the port all the same.

Fix: sign a peer certificate for each member and name its files with ``--peer-cert-file`` and
``--peer-key-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --peer-client-cert-auth=true]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0156",
    "Ensure that the --peer-cert-file and --peer-key-file arguments are set as appropriate",
    problem="etcd peers without TLS",
    consequence="secrets",
    score=7.0,
    category="Control plane",
)
def etcd_peers_without_tls(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    else:
        yield from etcd.missing(
            ("peer-cert-file", "<path/to/tls-certificate-file.crt>"),
            ("peer-key-file", "<path/to/tls-key-file.key>"),
        )
