"""Requests may run longer than five minutes before the API server ends them.

Each open request holds memory and a place in the queue, so a few slow callers can use them up. The
default of one minute is right for nearly every cluster and passes, as does anything up to five minutes.

Fix: take the flag out, or set it to ``300s`` at most.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --request-timeout=1h]

Cannot see: the limits of load balancers in front; watches, which have limits of their own.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control

LONGEST_S = 300.0


@control(
    "C-0134",
    "Ensure that the API Server --request-timeout argument is set as appropriate",
    problem="Long request timeout",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Control plane",
)
def long_request_timeout(api_server: ApiServer) -> Violations:
    flag = api_server.flag("request-timeout")
    if flag and (flag.duration_s is None or not 0 < flag.duration_s <= LONGEST_S):
        yield api_server.review(flag)
