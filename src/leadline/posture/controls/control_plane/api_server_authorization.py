"""Flags of the API server that say which requests are allowed."""

from leadline.posture.control import ApiServer, Violations
from leadline.posture.control_families import flag_control


@flag_control(
    "C-0118",
    "Ensure that the API Server --authorization-mode argument is not set to AlwaysAllow",
    problem="Every request is allowed",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    command="kube-apiserver --authorization-mode=AlwaysAllow",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authorization/#authorization-modules",
)
def every_request_allowed(api_server: ApiServer) -> Violations:
    """Every request of every caller is allowed.

    ``AlwaysAllow`` answers yes before anything else is asked. It is also the default where neither
    ``--authorization-mode`` nor ``--authorization-config`` is given.

    Fix: write ``--authorization-mode=Node,RBAC``.

    Cannot see: authorisers in the file of ``--authorization-config``, which a person has to look at.
    """
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif not (modes := api_server.items("authorization-mode")) or "AlwaysAllow" in modes:
        yield from api_server.with_authorizers()


@flag_control(
    "C-0088",
    "RBAC enabled",
    problem="RBAC is off",
    consequence="cluster takeover",
    score=9.0,
    reference_score=7.0,
    command="kube-apiserver --authorization-mode=ABAC",
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
)
def rbac_off(api_server: ApiServer) -> Violations:
    """The API server does not ask RBAC who may do what.

    Roles and bindings then have no effect. Without ``--authorization-mode`` every request is allowed, since
    the default is ``AlwaysAllow``; kubeadm writes ``Node,RBAC``.

    Fix: write ``--authorization-mode=Node,RBAC``, after making sure that the roles your programs need are
    bound.

    Cannot see: authorisers in the file of ``--authorization-config``, which is given to a person to look
    at; the setting of a managed cluster.
    """
    modes = api_server.flag("authorization-mode")
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif modes is None:
        yield api_server.append("authorization-mode", "Node,RBAC")
    elif "RBAC" not in api_server.items("authorization-mode"):
        yield api_server.review(modes)


@flag_control(
    "C-0120",
    "Ensure that the API Server --authorization-mode argument includes RBAC",
    problem="RBAC authorizer missing",
    consequence="cluster takeover",
    score=8.0,
    command="kube-apiserver --authorization-mode=Node",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authorization/",
)
def rbac_authorizer_missing(api_server: ApiServer) -> Violations:
    """RBAC is not among the authorisers, so roles and bindings decide nothing.

    What decides instead, ABAC's file or a webhook, cannot be seen in the cluster nor checked by those who
    work in it. A flag that is absent means ``AlwaysAllow``.

    Fix: write ``--authorization-mode=Node,RBAC``; keep a webhook behind it if you need one.

    Cannot see: what a webhook decides; the file of ``--authorization-config``.
    """
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif "RBAC" not in api_server.items("authorization-mode"):
        yield from api_server.with_authorizers()


@flag_control(
    "C-0119",
    "Ensure that the API Server --authorization-mode argument includes Node",
    problem="Node authorizer missing",
    consequence="cluster takeover",
    score=6.0,
    reference_score=5.0,
    command="kube-apiserver --authorization-mode=RBAC",
    see="https://kubernetes.io/docs/reference/access-authn-authz/node/",
)
def node_authorizer_missing(api_server: ApiServer) -> Violations:
    """Kubelets are not held to the objects of their own node.

    The Node authoriser lets a kubelet read only the secrets and ConfigMaps of pods that run on it. Without
    it the kubelets need a role that reads them all, and one compromised node compromises the whole cluster.
    Only kubeadm and its kin set it; by default no authoriser is named.

    Fix: write ``--authorization-mode=Node,RBAC``.

    Cannot see: roles that are bound to ``system:nodes`` and widen the limit again; the file of
    ``--authorization-config``.
    """
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif "Node" not in api_server.items("authorization-mode"):
        yield from api_server.with_authorizers()
