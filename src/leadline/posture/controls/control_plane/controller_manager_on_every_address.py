"""The controller manager's health and metrics pages can be reached from the network.

They reveal details of the cluster, and a fault in them would sit in a process that may do nearly everything.
The default is every address; kubeadm writes 127.0.0.1.

Fix: write ``--bind-address=127.0.0.1``, and let a collector on the node fetch the metrics.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --bind-address=0.0.0.0]

Cannot see: firewalls of the node.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "C-0150",
    "Ensure that the Controller Manager --bind-address argument is set to 127.0.0.1",
    problem="Controller manager on every address",
    consequence="reachable from outside",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
)
def controller_manager_on_every_address(manager: ControllerManager) -> Violations:
    if not manager.listens_locally:
        yield manager.set_to("bind-address", "127.0.0.1")
