"""Finished pods are removed only when there are 12,500 of them, or never.

Each keeps its place in etcd and in every list of pods, so a job that fails in a loop slows the whole
cluster. The default is 12,500; 0 and less switch the removal off. Any smaller number passes, because
how long finished pods are worth keeping is yours to say.

Fix: set ``--terminated-pod-gc-threshold`` to what your cluster can hold, for example 1,000 in one of a
few nodes.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --terminated-pod-gc-threshold=0]

Cannot see: how many nodes there are, and jobs that clean up by ``ttlSecondsAfterFinished``.

See: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from leadline.posture.control import YOUR_VALUE, ControllerManager, Violations, control

DEFAULT = 12_500


@control(
    "C-0144",
    "Ensure that the Controller Manager --terminated-pod-gc-threshold argument is set as appropriate",
    problem="Terminated pods are kept too long",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Control plane",
)
def terminated_pod_gc_threshold(manager: ControllerManager) -> Violations:
    flag = manager.flag("terminated-pod-gc-threshold")
    if flag is None:
        yield manager.append("terminated-pod-gc-threshold", YOUR_VALUE)
    elif flag.number is None or not 0 < flag.number < DEFAULT:
        yield manager.review(flag)
