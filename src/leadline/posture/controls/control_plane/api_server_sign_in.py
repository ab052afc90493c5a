"""Flags of the API server that say who may speak to it, and how callers prove who they are."""

from leadline.posture.control import ApiServer, Violations
from leadline.posture.control_families import flag_control


@flag_control(
    "C-0113",
    "Ensure that the API Server --anonymous-auth argument is set to false",
    problem="API server accepts anonymous requests",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    command="kube-apiserver --anonymous-auth=true",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
)
def anonymous_requests(api_server: ApiServer) -> Violations:
    """The API server takes requests from callers who do not sign in.

    They are treated as ``system:anonymous``, and may do what is bound to that name. One careless binding
    then opens the cluster to the network. The flag is true where it is not given. Probes of kubeadm's own
    manifest ask ``/livez`` and ``/readyz`` anonymously, so change them together, or allow only these pages
    in the file of ``--authentication-config``.

    Fix: write ``--anonymous-auth=false``, and let probes sign in or use the authentication file.

    Cannot see: the ``anonymous`` section of the file that ``--authentication-config`` names, which a person
    has to look at; API servers that do not run as a Pod, as in k3s and in managed clusters.
    """
    file = api_server.flag("authentication-config")
    if file and not api_server.flag("anonymous-auth"):
        yield api_server.review(file)
    elif api_server.is_true("anonymous-auth", default=True):
        yield api_server.set_to("anonymous-auth", "false")


@flag_control(
    "L-0094",
    "API server has no basic authentication",
    problem="Passwords in a file of the API server",
    consequence="cluster takeover",
    score=8.0,
    command="kube-apiserver --basic-auth-file=/etc/kubernetes/users.csv",
)
def basic_authentication(api_server: ApiServer) -> Violations:
    """The API server accepts passwords from a file.

    They are stored in plain text, never expire, and change only with a restart. Releases from 1.19 do not
    start with the flag.

    Fix: remove ``--basic-auth-file``, and use an identity provider.

    Cannot see: static tokens, which another control reads.
    """
    flag = api_server.flag("basic-auth-file")
    if flag is not None:
        yield api_server.review(flag)


@flag_control(
    "C-0114",
    "Ensure that the API Server --token-auth-file parameter is not set",
    problem="Static token file in use",
    consequence="cluster takeover",
    score=7.0,
    reference_score=8.0,
    command="kube-apiserver --token-auth-file=/etc/kubernetes/tokens.csv",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file",
)
def token_file(api_server: ApiServer) -> Violations:
    """The API server trusts a file of passwords that never expire.

    The tokens are in it as plain text. None can be changed or withdrawn without a restart, and a copy of
    the file is a copy of every login.

    Fix: move the users of the file to OpenID Connect or client certificates, programs to service accounts,
    then take the flag out.

    Cannot see: who uses the tokens in the file.
    """
    for flag in api_server.every("token-auth-file"):
        yield api_server.review(flag)


@flag_control(
    "C-0135",
    "Ensure that the API Server --service-account-lookup argument is set to true",
    problem="Tokens of deleted accounts accepted",
    consequence="cluster takeover",
    score=6.0,
    command="kube-apiserver --service-account-lookup=false",
    see="https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/",
)
def deleted_accounts_trusted(api_server: ApiServer) -> Violations:
    """Tokens of service accounts stay good after the account was deleted.

    With ``--service-account-lookup=false`` only the signature of a token counts, so deleting an account
    does not lock out anyone who stole its token. The flag is true where it is not given; here it was turned
    off.

    Fix: take the flag out, or write ``--service-account-lookup=true``.

    Cannot see: tokens that are checked by others than the API server.
    """
    flag = api_server.flag("service-account-lookup")
    if flag and not api_server.is_true("service-account-lookup", default=True):
        yield api_server.change(flag, "true")


@flag_control(
    "C-0139",
    "Ensure that the API Server --client-ca-file argument is set as appropriate",
    problem="No CA for client certificates",
    consequence="cluster takeover",
    score=5.0,
    reference_score=8.0,
    command="kube-apiserver --tls-cert-file=/etc/kubernetes/pki/apiserver.crt",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates",
)
def no_client_ca(api_server: ApiServer) -> Violations:
    """The API server accepts no client certificates, so components must sign in by weaker means.

    Kubelets, scheduler and controller manager sign in with certificates of a CA that is named here. There
    is no default; without it long-lived tokens take their place.

    Fix: name the cluster's client CA with ``--client-ca-file``.

    Cannot see: who holds certificates of that CA.
    """
    yield from api_server.missing(("client-ca-file", "<path/to/client-ca.crt>"))


@flag_control(
    "C-0136",
    "Ensure that the API Server --service-account-key-file argument is set as appropriate",
    problem="No key file for account tokens",
    consequence="cluster takeover",
    score=4.0,
    reference_score=5.0,
    command="kube-apiserver --tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
)
def no_service_account_key(api_server: ApiServer) -> Violations:
    """Tokens of service accounts are checked with a key that was made for something else.

    Where the flag is not given the API server uses its own TLS key. That key cannot be changed without
    ending every token, nor be kept from machines that only check tokens.

    Fix: make a key pair for tokens, sign with the private half in the controller manager or the API server,
    and name the public half here.

    Cannot see: who else has the private half.
    """
    yield from api_server.missing(("service-account-key-file", "<path/to/key.pub>"))


@flag_control(
    "C-0290",
    "Ensure that the --service-account-extend-token-expiration parameter is set to false",
    problem="Account tokens live for a year",
    consequence="secrets",
    score=4.0,
    reference_score=6.0,
    command="kube-apiserver --service-account-extend-token-expiration=true",
    see="https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens",
)
def long_lived_account_tokens(api_server: ApiServer) -> Violations:
    """Tokens in pods are good for a year, though they say an hour.

    For the sake of old clients that never read their token again, the API server stretches the tokens it
    hands to pods. A stolen one then stays useful for as long. The flag is true where it is not given.

    Fix: look at the metric ``serviceaccount_stale_tokens_total`` for clients that still depend on it, then
    write ``--service-account-extend-token-expiration=false``.

    Cannot see: which clients read their token only once.
    """
    if api_server.is_true("service-account-extend-token-expiration", default=True):
        yield api_server.set_to("service-account-extend-token-expiration", "false")
