"""The API server offers cipher suites beyond the strong ones, or its choice was never made.

Strong means here: a key made for each connection, and encryption that notices changes, so AES-GCM or
ChaCha20 with ECDHE. Without ``--tls-cipher-suites`` the list is that of the Go release it was built with,
which still has CBC suites. TLS 1.3 knows only strong suites: with ``--tls-min-version=VersionTLS13``
there is nothing to choose.

Fix: write the six suites that the edit proposes, or set ``--tls-min-version=VersionTLS13``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]

Cannot see: proxies and load balancers that end TLS before the API server.

See: https://pkg.go.dev/crypto/tls#CipherSuites
"""

from leadline.posture.checks.cipher_suites import ACCEPTED_SUITES, STRONG_SUITES
from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0143",
    "Ensure that the API Server only makes use of Strong Cryptographic Ciphers",
    problem="Cipher suites not chosen",
    consequence="other",
    score=2.0,
    reference_score=5.0,
    category="Control plane",
)
def ciphers_not_chosen(api_server: ApiServer) -> Violations:
    if api_server.accepts_only_tls_1_3:
        return
    suites = api_server.items("tls-cipher-suites")
    if not suites:
        yield api_server.set_to("tls-cipher-suites", ",".join(STRONG_SUITES))
    else:
        unwanted = suites - ACCEPTED_SUITES
        yield from api_server.without_items("tls-cipher-suites", unwanted, instead=",".join(STRONG_SUITES))
