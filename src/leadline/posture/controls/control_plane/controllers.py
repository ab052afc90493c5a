"""Flags of the controller manager and of the scheduler."""

from leadline.posture.control import YOUR_VALUE, ControllerManager, Scheduler, Violations
from leadline.posture.control_families import flag_control

GATE = "RotateKubeletServerCertificate"


def is_off(gate: str) -> bool:
    name, _, value = gate.partition("=")
    return name.strip() == GATE and value.strip().lower() in ("false", "f", "0")


DEFAULT = 12_500


@flag_control(
    "L-0089",
    "TLS 1.2 at least: controller manager",
    problem="Old TLS versions: controller manager",
    score=3.0,
    command="kube-controller-manager --tls-min-version=VersionTLS10",
)
def controller_manager_old_tls(controller_manager: ControllerManager) -> Violations:
    """The controller manager accepts TLS before version 1.2.

    Older versions have weaknesses by which recorded traffic can be read.

    Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

    Cannot see: what is in front of the port.
    """
    version = controller_manager.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield controller_manager.change(version, "VersionTLS12")


@flag_control(
    "C-0150",
    "Ensure that the Controller Manager --bind-address argument is set to 127.0.0.1",
    problem="Controller manager on every address",
    consequence="reachable from outside",
    score=4.0,
    reference_score=5.0,
    command="kube-controller-manager --bind-address=0.0.0.0",
)
def controller_manager_on_every_address(manager: ControllerManager) -> Violations:
    """The controller manager's health and metrics pages can be reached from the network.

    They reveal details of the cluster, and a fault in them would sit in a process that may do nearly
    everything. The default is every address; kubeadm writes 127.0.0.1.

    Fix: write ``--bind-address=127.0.0.1``, and let a collector on the node fetch the metrics.

    Cannot see: firewalls of the node.
    """
    if not manager.listens_locally:
        yield manager.set_to("bind-address", "127.0.0.1")


@flag_control(
    "C-0145",
    "Ensure that the Controller Manager --profiling argument is set to false",
    problem="Controller manager profiling is on",
    score=2.0,
    reference_score=3.0,
    command="kube-controller-manager --profiling=true",
)
def controller_manager_profiling(manager: ControllerManager) -> Violations:
    """The controller manager hands out profiles of what it is doing.

    Its ``/debug/pprof`` pages reveal the objects it works on and cost it time. They are on where the flag
    is not given.

    Fix: write ``--profiling=false``.

    Cannot see: who reaches its port, see C-0150.
    """
    if manager.is_true("profiling", default=True):
        yield manager.set_to("profiling", "false")


@flag_control(
    "C-0149",
    "Ensure that the Controller Manager RotateKubeletServerCertificate argument is set to true",
    problem="Kubelet certificate rotation is off",
    score=4.0,
    reference_score=6.0,
    command="kube-controller-manager --feature-gates=RotateKubeletServerCertificate=false",
    see="https://kubernetes.io/docs/tasks/tls/certificate-rotation/",
)
def kubelet_certificate_rotation_off(manager: ControllerManager) -> Violations:
    """Serving certificates of the kubelets are not renewed.

    The feature gate RotateKubeletServerCertificate is on by default; here it was turned off. Certificates
    then run out, or are made to last for years.

    Fix: take ``RotateKubeletServerCertificate=false`` out of ``--feature-gates``, and see that someone
    approves the requests.

    Cannot see: the kubelets' own setting ``serverTLSBootstrap``, and who approves their requests.
    """
    for flag in manager.every("feature-gates"):
        gates = [f"{GATE}=true" if is_off(gate) else gate for gate in flag.items]
        if gates != list(flag.items):
            yield manager.change(flag, ",".join(gates))


@flag_control(
    "C-0147",
    "Ensure that the Controller Manager --service-account-private-key-file argument is set as appropriate",
    problem="No private key for account tokens",
    consequence="cluster takeover",
    score=4.0,
    reference_score=6.0,
    command="kube-controller-manager --leader-elect=true",
)
def no_account_signing_key(manager: ControllerManager) -> Violations:
    """The controller manager has no key to sign tokens of service accounts with.

    Tokens kept in Secrets then cannot be made, and clusters get by with a key that serves other ends too.
    There is no default; kubeadm sets it.

    Fix: name the private half of the key pair whose public half the API server checks tokens with.

    Cannot see: whether the two halves belong together, and how old they are.
    """
    yield from manager.missing(("service-account-private-key-file", "<path/to/key/filename.key>"))


@flag_control(
    "C-0148",
    "Ensure that the Controller Manager --root-ca-file argument is set as appropriate",
    problem="No root CA for pods",
    consequence="secrets",
    score=4.0,
    reference_score=7.0,
    command="kube-controller-manager --leader-elect=true",
    see="https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/",
)
def no_root_ca(manager: ControllerManager) -> Violations:
    """No flag names the CA by which pods recognise the API server.

    The file named here is put beside every service account token, so that programs know whom they send it
    to. Without the flag the controller manager hands out the CA of its own kubeconfig, which need not be
    the one that signed the API server's certificate.

    Fix: name the cluster's CA with ``--root-ca-file``.

    Cannot see: programs that do not check the certificate in spite of it.
    """
    yield from manager.missing(("root-ca-file", "<path/to/key/ca.crt>"))


@flag_control(
    "C-0146",
    "Ensure that the Controller Manager --use-service-account-credentials argument is set to true",
    problem="Controllers share one account",
    consequence="cluster takeover",
    score=4.0,
    command="kube-controller-manager --use-service-account-credentials=false",
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles",
)
def shared_controller_credentials(manager: ControllerManager) -> Violations:
    """All controllers act under one name that may do what any of them needs.

    With accounts of their own each controller has only its rights, and the audit log distinguishes them.
    The flag is false where it is not given; kubeadm sets it.

    Fix: write ``--use-service-account-credentials=true``; the roles for it exist in every cluster.

    Cannot see: rights that were bound to the controllers' accounts in addition to the built-in ones.
    """
    if not manager.is_true("use-service-account-credentials", default=False):
        yield manager.set_to("use-service-account-credentials", "true")


@flag_control(
    "C-0144",
    "Ensure that the Controller Manager --terminated-pod-gc-threshold argument is set as appropriate",
    problem="Terminated pods are kept too long",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    command="kube-controller-manager --terminated-pod-gc-threshold=0",
    see="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection",
)
def terminated_pod_gc_threshold(manager: ControllerManager) -> Violations:
    """Finished pods are removed only when there are 12,500 of them, or never.

    Each keeps its place in etcd and in every list of pods, so a job that fails in a loop slows the whole
    cluster. The default is 12,500; 0 and less switch the removal off. Any smaller number passes, because
    how long finished pods are worth keeping is yours to say.

    Fix: set ``--terminated-pod-gc-threshold`` to what your cluster can hold, for example 1,000 in one of a
    few nodes.

    Cannot see: how many nodes there are, and jobs that clean up by ``ttlSecondsAfterFinished``.
    """
    flag = manager.flag("terminated-pod-gc-threshold")
    if flag is None:
        yield manager.append("terminated-pod-gc-threshold", YOUR_VALUE)
    elif flag.number is None or not 0 < flag.number < DEFAULT:
        yield manager.review(flag)


@flag_control(
    "L-0090",
    "TLS 1.2 at least: scheduler",
    problem="Old TLS versions: scheduler",
    score=3.0,
    command="kube-scheduler --tls-min-version=VersionTLS10",
)
def scheduler_old_tls(scheduler: Scheduler) -> Violations:
    """The scheduler accepts TLS before version 1.2.

    Older versions have weaknesses by which recorded traffic can be read.

    Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

    Cannot see: what is in front of the port.
    """
    version = scheduler.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield scheduler.change(version, "VersionTLS12")


@flag_control(
    "C-0152",
    "Ensure that the Scheduler --bind-address argument is set to 127.0.0.1",
    problem="Scheduler on every address",
    consequence="reachable from outside",
    score=4.0,
    reference_score=5.0,
    command="kube-scheduler --bind-address=0.0.0.0",
)
def scheduler_on_every_address(scheduler: Scheduler) -> Violations:
    """The scheduler listens on every address of its node, though only the node needs it.

    Its pages show where pods are placed and why. Where the flag is not given it binds to all addresses;
    kubeadm writes 127.0.0.1.

    Fix: write ``--bind-address=127.0.0.1``.

    Cannot see: firewalls of the node.
    """
    if not scheduler.listens_locally:
        yield scheduler.set_to("bind-address", "127.0.0.1")


@flag_control(
    "C-0151",
    "Ensure that the Scheduler --profiling argument is set to false",
    problem="Scheduler profiling is on",
    score=2.0,
    reference_score=3.0,
    command="kube-scheduler --profiling=true",
)
def scheduler_profiling(scheduler: Scheduler) -> Violations:
    """The scheduler hands out profiles of its own running.

    The pages under ``/debug/pprof`` help an attacker to time the scheduler and keep it busy. Profiling is
    on by default. The flag counts only without ``--config``; beside such a file the field
    ``enableProfiling`` in it decides.

    Fix: write ``--profiling=false``, or ``enableProfiling: false`` in the file of ``--config``.

    Cannot see: the file of ``--config``, which a person has to look at.
    """
    if scheduler.settings_file:
        yield scheduler.review(scheduler.settings_file)
    elif scheduler.is_true("profiling", default=True):
        yield scheduler.set_to("profiling", "false")
