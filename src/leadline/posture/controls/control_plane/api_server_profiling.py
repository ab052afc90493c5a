"""The API server hands out its memory and timing profiles under ``/debug/pprof``.

They show what it works on and cost time to make, so anyone who may read them can also slow it down.
Profiling is on where the flag is not given.

Fix: write ``--profiling=false``, and switch it on while you look for a fault.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --profiling=true]

Cannot see: who is allowed to read ``/debug/pprof``.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0129",
    "Ensure that the API Server --profiling argument is set to false",
    problem="API server profiling is on",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
)
def api_server_profiling(api_server: ApiServer) -> Violations:
    if api_server.is_true("profiling", default=True):
        yield api_server.set_to("profiling", "false")
