"""Flags of the API server about certificates, ciphers and what is encrypted."""

from leadline.posture.checks.cipher_suites import ACCEPTED_SUITES, INSECURE_SUITES, STRONG_SUITES
from leadline.posture.control import ApiServer, Violations
from leadline.posture.control_families import flag_control


@flag_control(
    "L-0091",
    "TLS 1.2 at least: API server",
    problem="Old TLS versions: API server",
    score=3.0,
    command="kube-apiserver --tls-min-version=VersionTLS10",
)
def api_server_old_tls(api_server: ApiServer) -> Violations:
    """The API server accepts TLS before version 1.2.

    Older versions have weaknesses by which recorded traffic can be read.

    Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

    Cannot see: what is in front of the port.
    """
    version = api_server.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield api_server.change(version, "VersionTLS12")


@flag_control(
    "C-0143",
    "Ensure that the API Server only makes use of Strong Cryptographic Ciphers",
    problem="Cipher suites not chosen",
    score=2.0,
    reference_score=5.0,
    command='kube-apiserver "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"',
    see="https://pkg.go.dev/crypto/tls#CipherSuites",
)
def ciphers_not_chosen(api_server: ApiServer) -> Violations:
    """The API server offers cipher suites beyond the strong ones, or its choice was never made.

    Strong means here: a key made for each connection, and encryption that notices changes, so AES-GCM or
    ChaCha20 with ECDHE. Without ``--tls-cipher-suites`` the list is that of the Go release it was built
    with, which still has CBC suites. TLS 1.3 knows only strong suites: with
    ``--tls-min-version=VersionTLS13`` there is nothing to choose.

    Fix: write the six suites that the edit proposes, or set ``--tls-min-version=VersionTLS13``.

    Cannot see: proxies and load balancers that end TLS before the API server.
    """
    if api_server.accepts_only_tls_1_3:
        return
    suites = api_server.items("tls-cipher-suites")
    if not suites:
        yield api_server.set_to("tls-cipher-suites", ",".join(STRONG_SUITES))
    else:
        unwanted = suites - ACCEPTED_SUITES
        yield from api_server.without_items("tls-cipher-suites", unwanted, instead=",".join(STRONG_SUITES))


@flag_control(
    "C-0277",
    "Ensure that the API Server only makes use of Strong Cryptographic Ciphers",
    problem="Weak cipher suites",
    score=4.0,
    reference_score=5.0,
    command='kube-apiserver "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA"',
)
def weak_ciphers(api_server: ApiServer) -> Violations:
    """The API server offers cipher suites that Kubernetes itself calls insecure.

    Triple DES and RC4 can be broken, and suites with RSA key exchange let a stolen key open connections
    that were recorded earlier. Recent releases leave them out by default, older ones do not, and the
    default moves with the compiler; so an absent flag is a finding as well, unless only TLS 1.3 is spoken.

    Fix: take the weak suites out of ``--tls-cipher-suites``, or write the list that the edit proposes.

    Cannot see: which suites clients offer; TLS that ends at a load balancer.
    """
    if api_server.accepts_only_tls_1_3:
        return
    if not api_server.items("tls-cipher-suites"):
        yield api_server.set_to("tls-cipher-suites", ",".join(STRONG_SUITES))
    else:
        yield from api_server.without_items(
            "tls-cipher-suites", INSECURE_SUITES, instead=",".join(STRONG_SUITES)
        )


@flag_control(
    "C-0138",
    "Ensure that the API Server --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    problem="API server without its own certificate",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    command="kube-apiserver --secure-port=6443",
    see="https://kubernetes.io/docs/setup/best-practices/certificates/",
)
def no_serving_certificate(api_server: ApiServer) -> Violations:
    """The API server makes up its own certificate, which no caller can check.

    Without the two flags it signs one itself at start. Callers have to switch checking off, and then cannot
    distinguish the API server from someone in between.

    Fix: let the cluster's CA sign a certificate for every name and address of the API server, and give its
    files with the flags.

    Cannot see: certificates for single names given with ``--tls-sni-cert-key``; when the certificate
    expires.
    """
    yield from api_server.missing(
        ("tls-cert-file", "<path/to/tls-certificate-file.crt>"),
        ("tls-private-key-file", "<path/to/tls-key-file.key>"),
    )


@flag_control(
    "C-0140",
    "Ensure that the API Server --etcd-cafile argument is set as appropriate",
    problem="etcd's certificate not verified",
    consequence="secrets",
    score=6.0,
    reference_score=8.0,
    command="kube-apiserver --etcd-servers=https://10.0.0.1:2379",
    see="https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#securing-communication",
)
def etcd_ca_missing(api_server: ApiServer) -> Violations:
    """The API server does not check that the etcd it stores everything in is the real one.

    A machine that answers in etcd's place receives every secret that is written and can hand back what it
    likes. The flag is empty by default; kubeadm sets it.

    Fix: name the CA that signed etcd's certificates with ``--etcd-cafile``.

    Cannot see: whether etcd's certificates were signed by it.
    """
    yield from api_server.missing(("etcd-cafile", "<path/to/ca-file.crt>"))


@flag_control(
    "C-0137",
    "Ensure that the API Server --etcd-certfile and --etcd-keyfile arguments are set as appropriate",
    problem="No client certificate for etcd",
    consequence="secrets",
    score=6.0,
    reference_score=8.0,
    command="kube-apiserver --etcd-servers=https://10.0.0.1:2379",
    see="https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#securing-etcd-clusters",
)
def etcd_client_certificate_missing(api_server: ApiServer) -> Violations:
    """The API server speaks to etcd without a certificate of its own.

    Then etcd must let everyone in who reaches its port, and with it everything the cluster stores. Both
    flags are empty by default; kubeadm sets them.

    Fix: make a client certificate for etcd, name its files with both flags, and set
    ``--client-cert-auth=true`` on etcd.

    Cannot see: whether etcd asks for a certificate where it runs outside of Pods.
    """
    yield from api_server.missing(
        ("etcd-certfile", "<path/to/client-certificate-file.crt>"),
        ("etcd-keyfile", "<path/to/client-key-file.key>"),
    )


@flag_control(
    "C-0117",
    "Ensure that the API Server --kubelet-certificate-authority argument is set as appropriate",
    problem="Kubelet certificates not verified",
    consequence="cluster takeover",
    score=6.0,
    reference_score=8.0,
    command="kube-apiserver --v=2",
    see="https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#kubelet-serving-certs",
)
def kubelet_ca_missing(api_server: ApiServer) -> Violations:
    """The API server does not check that it is talking to a real kubelet.

    Someone between the two can pose as a node and read what goes through: commands, logs, and the tokens
    sent along. Nothing is checked by default, and kubeadm leaves it so, because the kubelets' own
    certificates are signed by themselves at first.

    Fix: let the cluster's CA sign the kubelets' serving certificates, then name it with the flag.

    Cannot see: who signed the certificates of the kubelets.
    """
    yield from api_server.missing(("kubelet-certificate-authority", "<path/to/ca.crt>"))


@flag_control(
    "C-0116",
    "Ensure that the API Server --kubelet-client-certificate and --kubelet-client-key arguments are set as appropriate",
    problem="No client certificate for kubelets",
    consequence="cluster takeover",
    score=5.0,
    reference_score=7.0,
    command="kube-apiserver --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt",
    see="https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/",
)
def kubelet_client_certificate_missing(api_server: ApiServer) -> Violations:
    """The API server does not show the kubelets who it is.

    Kubelets then have to answer callers without a certificate, or logs and commands in pods stop working.
    Both flags are empty by default; kubeadm sets them.

    Fix: make a client certificate for the API server and give its two files with the flags.

    Cannot see: whether the kubelets accept anonymous callers, and whether the files exist.
    """
    yield from api_server.missing(
        ("kubelet-client-certificate", "<path/to/appropriate/file>"),
        ("kubelet-client-key", "<path/to/appropriate/file>"),
    )


@flag_control(
    "C-0141",
    "Ensure that the API Server --encryption-provider-config argument is set as appropriate",
    problem="No encryption provider configured",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    command="kube-apiserver --etcd-servers=https://127.0.0.1:2379",
    see="https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/",
)
def no_encryption_provider(api_server: ApiServer) -> Violations:
    """The API server has no file that says how to encrypt what it stores.

    The flag ``--encryption-provider-config`` has no default, and the provider that takes its place,
    ``identity``, changes nothing. A provider backed by a key service keeps the key away from the data it
    protects.

    Fix: create the file with a ``kms`` or ``secretbox`` provider before ``identity``, mount it into the Pod
    and name it with the flag.

    Cannot see: the file itself, so neither its providers nor whether ``secrets`` are among its resources.
    """
    yield from api_server.missing(("encryption-provider-config", "YOUR_VALUE"))


@flag_control(
    "C-0066",
    "Secret/etcd encryption enabled",
    problem="Secrets unencrypted in etcd",
    consequence="secrets",
    score=6.0,
    command="kube-apiserver --etcd-servers=https://127.0.0.1:2379",
    see="https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/",
)
def secrets_not_encrypted(api_server: ApiServer) -> Violations:
    """Secrets are stored in etcd as they are, readable in any copy of its files.

    A backup, a snapshot of a disk or a login on the etcd node then holds every password of the cluster in
    plain text. Without the flag nothing is encrypted: that is the default of every release.

    Fix: write an EncryptionConfiguration that covers ``secrets``, name it with
    ``--encryption-provider-config``, and rewrite the secrets that exist.

    Cannot see: whether the file encrypts secrets, and with which provider; encryption that a cloud switches
    on for managed clusters; disks that are encrypted below etcd.
    """
    yield from api_server.missing(("encryption-provider-config", "YOUR_VALUE"))
