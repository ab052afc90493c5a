"""Flags of the API server about its ports, its profiling pages and how long a request may take."""

from leadline.posture.control import ApiServer, Violations
from leadline.posture.control_families import flag_control

LONGEST_S = 300.0


@flag_control(
    "C-0005",
    "API server insecure port is enabled",
    problem="API server answers without TLS or login",
    consequence="cluster takeover",
    score=10.0,
    reference_score=9.0,
    command="kube-apiserver --insecure-port=8080",
)
def insecure_port(api_server: ApiServer) -> Violations:
    """The API server answers on a port without encryption, login or authorisation.

    Anyone who reaches that port is an administrator of the cluster. The flag lost its effect in Kubernetes
    1.20 and is refused from 1.24 on, so it matters on old releases only. An absent flag passes; on those
    releases it meant 8080, but every common installer wrote 0.

    Fix: upgrade, and leave the flag out; on a release that still obeys it, write ``--insecure-port=0``.

    Cannot see: firewalls before the port; API servers that do not run as a Pod, as in k3s and in managed
    clusters.
    """
    for flag in api_server.every("insecure-port"):
        if flag.number != 0:
            yield api_server.review(flag)


@flag_control(
    "C-0128",
    "Ensure that the API Server --secure-port argument is not set to 0",
    problem="Secure port is off",
    consequence="availability",
    score=4.0,
    reference_score=8.0,
    command="kube-apiserver --secure-port=0",
    see="https://kubernetes.io/docs/concepts/security/controlling-access/#transport-security",
)
def secure_port_off(api_server: ApiServer) -> Violations:
    """The port that encrypts and asks for a login is switched off.

    Requests then have no safe way in. The default is 6443; only an old release accepts 0, and serves on the
    open port instead.

    Fix: take the flag out, or name a port from 1 to 65535.

    Cannot see: proxies that encrypt in front of the API server.
    """
    for flag in api_server.every("secure-port"):
        if flag.number == 0:
            yield api_server.review(flag)


@flag_control(
    "C-0129",
    "Ensure that the API Server --profiling argument is set to false",
    problem="API server profiling is on",
    score=2.0,
    reference_score=3.0,
    command="kube-apiserver --profiling=true",
)
def api_server_profiling(api_server: ApiServer) -> Violations:
    """The API server hands out its memory and timing profiles under ``/debug/pprof``.

    They show what it works on and cost time to make, so anyone who may read them can also slow it down.
    Profiling is on where the flag is not given.

    Fix: write ``--profiling=false``, and switch it on while you look for a fault.

    Cannot see: who is allowed to read ``/debug/pprof``.
    """
    if api_server.is_true("profiling", default=True):
        yield api_server.set_to("profiling", "false")


@flag_control(
    "C-0134",
    "Ensure that the API Server --request-timeout argument is set as appropriate",
    problem="Long request timeout",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    command="kube-apiserver --request-timeout=1h",
)
def long_request_timeout(api_server: ApiServer) -> Violations:
    """Requests may run longer than five minutes before the API server ends them.

    Each open request holds memory and a place in the queue, so a few slow callers can use them up. The
    default of one minute is right for nearly every cluster and passes, as does anything up to five minutes.

    Fix: take the flag out, or set it to ``300s`` at most.

    Cannot see: the limits of load balancers in front; watches, which have limits of their own.
    """
    flag = api_server.flag("request-timeout")
    if flag and (flag.duration_s is None or not 0 < flag.duration_s <= LONGEST_S):
        yield api_server.review(flag)
