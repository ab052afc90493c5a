"""Any machine may join the talk among the members of etcd.

A false member receives all data and can change it. Peers are asked for a certificate only where
``--peer-client-cert-auth`` is set; by default they are not.

Fix: write ``--peer-client-cert-auth=true``, and name the CA with ``--peer-trusted-ca-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --peer-client-cert-auth=false]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0157",
    "Ensure that the --peer-client-cert-auth argument is set to true",
    problem="etcd accepts peers unverified",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
    category="Control plane",
)
def etcd_peers_unverified(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif not etcd.is_true("peer-client-cert-auth", default=False):
        yield etcd.set_to("peer-client-cert-auth", "true")
