"""The scheduler listens on every address of its node, though only the node needs it.

Its pages show where pods are placed and why. Where the flag is not given it binds to all addresses;
kubeadm writes 127.0.0.1.

Fix: write ``--bind-address=127.0.0.1``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-scheduler, namespace: kube-system}
    spec:
      containers:
      - name: kube-scheduler
        image: registry.k8s.io/kube-scheduler:v1.34.2
        command: [kube-scheduler, --bind-address=0.0.0.0]

Cannot see: firewalls of the node.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/
"""

from leadline.posture.control import Scheduler, Violations, control


@control(
    "C-0152",
    "Ensure that the Scheduler --bind-address argument is set to 127.0.0.1",
    problem="Scheduler on every address",
    consequence="reachable from outside",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
)
def scheduler_on_every_address(scheduler: Scheduler) -> Violations:
    if not scheduler.listens_locally:
        yield scheduler.set_to("bind-address", "127.0.0.1")
