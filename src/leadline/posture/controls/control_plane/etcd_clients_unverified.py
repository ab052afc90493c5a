"""etcd serves every caller, with a certificate or without.

etcd knows nothing of RBAC: anyone who may connect reads and writes all objects. Asking for a certificate
is off where ``--client-cert-auth`` is not given.

Fix: write ``--client-cert-auth=true``, and name the CA with ``--trusted-ca-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --client-cert-auth=false]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0154",
    "Ensure that the --client-cert-auth argument is set to true",
    problem="etcd accepts clients unverified",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    category="Control plane",
)
def etcd_clients_unverified(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif not etcd.is_true("client-cert-auth", default=False):
        yield etcd.set_to("client-cert-auth", "true")
