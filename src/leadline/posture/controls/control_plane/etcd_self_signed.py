"""etcd makes its own certificate at start, which its clients cannot check.

``--auto-tls`` encrypts, but anyone can pose as etcd. It is off by default and meant for trying things
out.

Fix: take ``--auto-tls`` out and give etcd a certificate with ``--cert-file`` and ``--key-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command: [etcd, --auto-tls=true]

Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
given to a person to look at.

See: https://etcd.io/docs/v3.6/op-guide/security/
"""

from leadline.posture.control import Etcd, Violations, control


@control(
    "C-0155",
    "Ensure that the --auto-tls argument is not set to true",
    problem="etcd signs its own certificate",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
)
def etcd_self_signed(etcd: Etcd) -> Violations:
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif etcd.is_true("auto-tls", default=False):
        yield etcd.set_to("auto-tls", "false")
