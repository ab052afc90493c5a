"""The kubelet of a worker starts Pods from files.

Such Pods pass by admission: who may write to the folder runs what they like.

Fix: remove ``staticPodPath`` from the configuration of kubelets outside of the control plane.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings: [{name: staticPodPath, value: "/etc/kubernetes/manifests", origin: file, givenBy: /var/lib/kubelet/config.yaml}]
      unread: []

Cannot see: whether files are in the folder.

See: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Inventory, NotApplicable, Resource, Violations, control


@control(
    "L-0098",
    "Kubelets of workers start no static Pods",
    problem="Static Pods on a worker",
    consequence="other",
    score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
    reads=(CONTROL_PLANE,),
)
def worker_with_static_pods(node: Resource, inventory: Inventory) -> Violations:
    setting = held(node, "staticPodPath")
    plane = inventory.get(CONTROL_PLANE, "", node.name)
    if plane is not None:
        inventory.rest_on(plane)
        raise NotApplicable("the control plane of the node itself starts from files")
    if setting.value:
        yield setting.instead("nothing")
