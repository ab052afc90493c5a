"""Settings of the kubelet that say who may speak to it."""

from leadline.posture.checks.cipher_suites import ACCEPTED_SUITES
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations
from leadline.posture.control_families import kubelet_control


@kubelet_control(
    "C-0173",
    "Ensure that the --authorization-mode argument is not set to AlwaysAllow",
    problem="Kubelet allows every request",
    consequence="cluster takeover",
    score=10.0,
    reference_score=6.0,
    settings=(
        'name: authorization.mode, value: "AlwaysAllow", origin: flag, givenBy: "--authorization-mode"',
    ),
)
def kubelet_allows_everything(node: Resource) -> Violations:
    """The kubelet lets every caller do everything.

    ``AlwaysAllow`` means that anyone who reaches the port and logs in may run commands in any pod of the
    node.

    Fix: set ``authorization.mode: Webhook``.
    """
    setting = held(node, "authorization.mode")
    if setting.value == "AlwaysAllow":
        yield setting.instead("Webhook")


@kubelet_control(
    "C-0069",
    "Disable anonymous access to Kubelet service",
    problem="Kubelet answers anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    settings=(
        'name: authentication.anonymous.enabled, value: true, origin: flag, givenBy: "--anonymous-auth"',
    ),
)
def kubelet_anonymous_access(node: Resource) -> Violations:
    """The kubelet answers callers who do not say who they are.

    Its port can list pods, read logs and, without authorisation, run commands in every container of the
    node.

    Fix: set ``authentication.anonymous.enabled: false``.
    """
    setting = held(node, "authentication.anonymous.enabled")
    if setting.value is True:
        yield setting.instead("false")


@kubelet_control(
    "C-0172",
    "Ensure that the --anonymous-auth argument is set to false",
    problem="Kubelet flag allows anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    settings=(
        'name: authentication.anonymous.enabled, value: true, origin: flag, givenBy: "--anonymous-auth"',
    ),
)
def kubelet_anonymous_auth_argument(node: Resource) -> Violations:
    """Anonymous requests to the kubelet are not switched off.

    An anonymous caller is only as harmless as the authorisation behind it; the benchmark asks for both
    locks.

    Fix: set ``authentication.anonymous.enabled: false``, or ``--anonymous-auth=false``.
    """
    setting = held(node, "authentication.anonymous.enabled")
    if setting.value is True:
        yield setting.instead("false")


@kubelet_control(
    "C-0174",
    "Ensure that the --client-ca-file argument is set as appropriate",
    problem="Kubelet has no client CA",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    settings=(
        'name: authentication.x509.clientCAFile, value: "", origin: default, givenBy: "kubelet v1.36.3"',
    ),
)
def kubelet_client_ca_unset(node: Resource) -> Violations:
    """No CA is set for callers of the kubelet.

    The API server's own certificate then counts for nothing, and weaker ways to log in have to stay open.

    Fix: set ``authentication.x509.clientCAFile``, or ``--client-ca-file``.
    """
    setting = held(node, "authentication.x509.clientCAFile")
    if not setting.value:
        yield setting.instead("the file of the CA that signs client certificates")


@kubelet_control(
    "C-0070",
    "Enforce Kubelet client TLS authentication",
    problem="Kubelet without client certificates",
    consequence="cluster takeover",
    score=9.0,
    settings=(
        'name: authentication.x509.clientCAFile, value: "", origin: default, givenBy: "kubelet v1.36.3"',
    ),
)
def kubelet_without_client_certificates(node: Resource) -> Violations:
    """The kubelet does not check client certificates.

    Without a CA to check against, no client can prove to be the API server.

    Fix: name the cluster's CA in ``authentication.x509.clientCAFile``.
    """
    setting = held(node, "authentication.x509.clientCAFile")
    if not setting.value:
        yield setting.instead("the file of the CA that signs client certificates")


@kubelet_control(
    "C-0175",
    "Verify that the --read-only-port argument is set to 0",
    problem="Kubelet read-only port is open",
    consequence="reachable from outside",
    score=5.0,
    reference_score=4.0,
    settings=('name: readOnlyPort, value: 10255, origin: file, givenBy: "/var/lib/kubelet/config.yaml"',),
)
def kubelet_read_only_port(node: Resource) -> Violations:
    """The kubelet offers its read-only port.

    Without any login it shows the pods of the node, their images, addresses and states.

    Fix: set ``readOnlyPort: 0``.
    """
    setting = held(node, "readOnlyPort")
    if setting.value != 0:
        yield setting.instead("0")


@kubelet_control(
    "C-0181",
    "Ensure that the --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    problem="Kubelet signs its own certificate",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    settings=(
        'name: tlsCertFile, value: "", origin: default, givenBy: "kubelet v1.36.3"',
        'name: tlsPrivateKeyFile, value: "", origin: default, givenBy: "kubelet v1.36.3"',
        'name: serverTLSBootstrap, value: false, origin: default, givenBy: "kubelet v1.36.3"',
    ),
)
def kubelet_self_signed_certificate(node: Resource) -> Violations:
    """The kubelet serves a certificate that clients cannot check.

    The API server then cannot distinguish the node from a machine in between.

    Fix: set ``tlsCertFile`` and ``tlsPrivateKeyFile``, or let the kubelet ask the cluster for one.

    Cannot see: who signed the certificate; whether the kubelet was started again after its files changed.
    """
    certificate, key = held(node, "tlsCertFile"), held(node, "tlsPrivateKeyFile")
    if held(node, "serverTLSBootstrap").value is True:
        return
    for setting in (certificate, key):
        if not setting.value:
            yield setting.instead("the file that the cluster's CA signed, or serverTLSBootstrap: true")


@kubelet_control(
    "C-0184",
    "Ensure that the Kubelet only makes use of Strong Cryptographic Ciphers",
    problem="Kubelet allows weak ciphers",
    score=3.0,
    reference_score=5.0,
    settings=(
        'name: tlsCipherSuites, value: ["TLS_RSA_WITH_AES_128_CBC_SHA"], origin: file, givenBy: "/var/lib/kubelet/config.yaml"',
        'name: tlsMinVersion, value: "", origin: default, givenBy: "kubelet v1.36.3"',
    ),
)
def kubelet_weak_ciphers(node: Resource) -> Violations:
    """The kubelet accepts weak ciphers.

    Old ciphers can be broken by anyone who records the traffic between API server and node.

    Fix: list strong suites in ``tlsCipherSuites``.
    """
    setting = held(node, "tlsCipherSuites")
    if held(node, "tlsMinVersion").value == "VersionTLS13":
        return
    weak = [suite for suite in setting.value if suite not in ACCEPTED_SUITES]
    if weak or not setting.value:
        yield setting.instead(f"suites without {', '.join(weak)}" if weak else "the suites that you allow")


@kubelet_control(
    "C-0182",
    "Ensure that the --rotate-certificates argument is not set to false",
    problem="Kubelet never renews its certificate",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    settings=('name: rotateCertificates, value: false, origin: default, givenBy: "kubelet v1.36.3"',),
)
def kubelet_certificate_never_renewed(node: Resource) -> Violations:
    """The kubelet does not renew its client certificate by itself.

    A long-lived certificate that was copied stays good; one that runs out takes the node away.

    Fix: leave ``rotateCertificates`` at ``true``.

    Cannot see: certificates that another program renews, as on EKS; whether the kubelet was started again
    after its files changed.
    """
    setting = held(node, "rotateCertificates")
    if setting.value is not True:
        yield setting.instead("true")


@kubelet_control(
    "C-0183",
    "Verify that the RotateKubeletServerCertificate argument is set to true",
    problem="Kubelet server certificate not renewed",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    settings=(
        'name: serverTLSBootstrap, value: false, origin: default, givenBy: "kubelet v1.36.3"',
        'name: featureGates, value: {}, origin: default, givenBy: "kubelet v1.36.3"',
        'name: tlsCertFile, value: "", origin: default, givenBy: "kubelet v1.36.3"',
    ),
)
def kubelet_server_certificate_never_renewed(node: Resource) -> Violations:
    """The kubelet does not ask for a new serving certificate before the old one ends.

    Someone then renews by hand, late, and with keys carried from place to place.

    Fix: set ``serverTLSBootstrap: true`` and approve the requests.

    Cannot see: whether a certificate given by file is renewed by another program; whether the kubelet was
    started again after its files changed.
    """
    setting = held(node, "serverTLSBootstrap")
    gates = held(node, "featureGates")
    if gates.value.get("RotateKubeletServerCertificate") is False:
        yield gates.instead("RotateKubeletServerCertificate: true")
    elif setting.value is not True and not held(node, "tlsCertFile").value:
        yield setting.instead("true")
