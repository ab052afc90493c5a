"""Members of etcd trust certificates that each made for itself.

With ``--peer-auto-tls`` no member can prove to another that it belongs to the cluster. The flag is off by
default.

Fix: take ``--peer-auto-tls`` out and sign peer certificates with one CA.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --peer-auto-tls=true]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0158",
    "Ensure that the --peer-auto-tls argument is not set to true",
    problem="etcd peers sign their own certificates",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
)
def etcd_peers_self_signed(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif etcd.is_true("peer-auto-tls", default=False):
        yield etcd.set_to("peer-auto-tls", "false")
