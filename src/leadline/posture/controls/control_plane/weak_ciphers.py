"""The API server offers cipher suites that Kubernetes itself calls insecure.

Triple DES and RC4 can be broken, and suites with RSA key exchange let a stolen key open connections
that were recorded earlier. Recent releases leave them out by default, older ones do not, and the
default moves with the compiler; so an absent flag is a finding as well, unless only TLS 1.3 is spoken.

Fix: take the weak suites out of ``--tls-cipher-suites``, or write the list that the edit proposes.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA"]

Cannot see: which suites clients offer; TLS that ends at a load balancer.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.checks.cipher_suites import INSECURE_SUITES, STRONG_SUITES
from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0277",
    "Ensure that the API Server only makes use of Strong Cryptographic Ciphers",
    problem="Weak cipher suites",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
)
def weak_ciphers(api_server: ApiServer) -> Violations:
    if api_server.accepts_only_tls_1_3:
        return
    if not api_server.items("tls-cipher-suites"):
        yield api_server.set_to("tls-cipher-suites", ",".join(STRONG_SUITES))
    else:
        yield from api_server.without_items(
            "tls-cipher-suites", INSECURE_SUITES, instead=",".join(STRONG_SUITES)
        )
