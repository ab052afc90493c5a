"""A program that writes events in a loop can fill etcd and slow the API server down.

The plugin EventRateLimit bounds how many events a namespace, user or source may write. It is off by
default, and does nothing without limits of your choice.

Fix: write the limits into a file for ``--admission-control-config-file``, then add the plugin to
``--enable-admission-plugins``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --enable-admission-plugins=PodNodeSelector]

Cannot see: the limits in the file; API priority and fairness, which slows such a program as well.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#eventratelimit
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0121",
    "Ensure that the admission control plugin EventRateLimit is set",
    problem="No event rate limit",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Control plane",
)
def no_event_rate_limit(api_server: ApiServer) -> Violations:
    if "EventRateLimit" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "EventRateLimit")
