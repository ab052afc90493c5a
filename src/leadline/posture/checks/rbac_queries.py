"""What a role lets its holder do, as questions that several access controls ask."""

from collections.abc import Callable
from typing import Any

from leadline.kube.rbac import Rights
from leadline.kube.role_rules import Ask, ask, has_no_namespace

POD_OWNERS = "deployments daemonsets replicasets statefulsets"

EVERYTHING = (ask("*", "*", "core *"),)
"""Every verb on every resource, written with stars."""
READ_SECRETS = (ask("get list watch", "secrets"),)
CREATE_PODS = (
    ask("create update patch", "pods replicationcontrollers"),
    ask("create update patch", POD_OWNERS, "apps"),
    ask("create update patch", "jobs cronjobs", "batch"),
)
"""Pods, and the objects that make pods for their owner: anyone who may change one may put an image of their own into it."""
RUN_COMMANDS = (
    ask("create get", "pods/exec pods/attach"),
    ask("patch update", "pods/ephemeralcontainers"),
)
"""``get`` opens a session over a websocket, and a debugging container runs any command."""
IMPERSONATE = (
    ask("impersonate", "users serviceaccounts"),
    ask("impersonate", "groups", names="system:masters"),
    ask("impersonate", "uids", "authentication.k8s.io"),
)
"""``system:masters`` is above all authorisation, so it counts even where it is the only group."""
BIND_OR_ESCALATE = (
    ask("bind", "clusterroles roles", "rbac.authorization.k8s.io", names="cluster-admin"),
    ask("escalate", "clusterroles roles", "rbac.authorization.k8s.io"),
)
CREATE_TOKENS = (ask("create", "serviceaccounts/token"),)
APPROVE_CERTIFICATES = (ask("update patch", "certificatesigningrequests/approval", "certificates.k8s.io"),)
CHANGE_ADMISSION = (
    ask(
        "create update patch delete deletecollection",
        "validatingwebhookconfigurations mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings "
        "mutatingadmissionpolicies mutatingadmissionpolicybindings",
        "admissionregistration.k8s.io",
    ),
)
MUTATE_ADMISSION = (
    ask(
        "create update patch",
        "mutatingwebhookconfigurations mutatingadmissionpolicies mutatingadmissionpolicybindings",
        "admissionregistration.k8s.io",
    ),
)
"""To put something of one's own into every object that is created."""
REACH_KUBELETS = (ask("get create update patch delete", "nodes/proxy"),)
CREATE_VOLUMES = (ask("create", "persistentvolumes"),)
CHANGE_NETWORK_POLICIES = (
    ask("create update patch delete deletecollection", "networkpolicies", "networking.k8s.io"),
    ask(
        "create update patch delete deletecollection",
        "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies",
        "cilium.io",
    ),
    ask(
        "create update patch delete deletecollection",
        "networkpolicies globalnetworkpolicies",
        "projectcalico.org crd.projectcalico.org",
    ),
)
FORWARD_PORTS = (ask("create get", "pods/portforward"),)
CHANGE_SECRETS = (ask("create update patch", "secrets"),)
HAND_ON_RIGHTS = (
    ask(
        "create update patch",
        "roles clusterroles rolebindings clusterrolebindings",
        "rbac.authorization.k8s.io",
    ),
)
REDIRECT_TRAFFIC = (
    ask("create update patch", "services services/status endpoints"),
    ask("create update patch", "endpointslices", "discovery.k8s.io"),
    ask("create update patch", "ingresses", "networking.k8s.io extensions"),
    ask("create update patch", "httproutes tlsroutes tcproutes grpcroutes", "gateway.networking.k8s.io"),
)
CHANGE_NODES = (ask("create update patch", "nodes nodes/status"),)
CHANGE_NAMESPACES = (ask("update patch", "namespaces"),)

_MAKE_PODS = ask("create", "pods")
TOGETHER: tuple[tuple[str, tuple[Ask, ...]], ...] = (
    (
        "with both, a token of any service account in reach is made and read",
        (ask("create", "secrets"), *READ_SECRETS),
    ),
    (
        "with both, Pod Security is switched off for a namespace and a privileged pod started there",
        (_MAKE_PODS, *CHANGE_NAMESPACES),
    ),
    (
        "with all, the disk of a node is mounted through a volume",
        (_MAKE_PODS, ask("create", "persistentvolumeclaims"), *CREATE_VOLUMES),
    ),
    (
        "with all, a certificate for any user is asked for, approved and signed",
        (
            ask("create", "certificatesigningrequests", "certificates.k8s.io"),
            *APPROVE_CERTIFICATES,
            ask("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-client"),
        ),
    ),
    (
        "with both, any role is bound to oneself",
        (
            ask("bind", "clusterroles roles", "rbac.authorization.k8s.io", names="cluster-admin"),
            ask("create update patch", "clusterrolebindings rolebindings", "rbac.authorization.k8s.io"),
        ),
    ),
    (
        "with both, any right is written into one's own role",
        (
            ask("escalate", "clusterroles roles", "rbac.authorization.k8s.io"),
            ask("update patch", "clusterroles roles", "rbac.authorization.k8s.io"),
        ),
    ),
    (
        "with both, pods are drawn to a node of one's choice, and their tokens with them",
        (
            ask("update patch", "nodes nodes/status"),
            ask("create delete deletecollection", "pods pods/eviction"),
        ),
    ),
)
"""Rights that together are a known way to take more: what they lead to, and each of them."""

TAKEOVER = (
    *EVERYTHING,
    *READ_SECRETS,
    *CREATE_PODS,
    *RUN_COMMANDS,
    *FORWARD_PORTS,
    *IMPERSONATE,
    *BIND_OR_ESCALATE,
    *CREATE_TOKENS,
    *APPROVE_CERTIFICATES,
    *CHANGE_ADMISSION,
    *REACH_KUBELETS,
    ask("create update patch delete deletecollection", "nodes"),
    ask("create update patch", "clusterrolebindings rolebindings", "rbac.authorization.k8s.io"),
)
"""The rights by which one account becomes another, or all of them."""


CLUSTER_IN_ONE_STEP = (*READ_SECRETS, *CREATE_PODS)
"""What takes the cluster over where it holds in every namespace, or in that of the control plane."""


def reaches_the_cluster(rights: Rights) -> bool:
    """Whether what is right below ``rights`` is good for every namespace, or for that of the control plane."""
    return rights.is_cluster_wide or rights.reaches == "kube-system"


def is_in_one_namespace(rights: Rights) -> bool:
    """The opposite."""
    return not reaches_the_cluster(rights)


def takes_over(rights: Rights) -> bool:
    """Whether ``rights`` are enough to take the cluster over in one step: to read its Secrets or to start pods in it."""
    return reaches_the_cluster(rights) and any(map(rights.matching, CLUSTER_IN_ONE_STEP))


def partial_wildcard(rule: dict[str, Any]) -> tuple[str, ...]:
    """The places of a rule with a star, unless it stars verbs, groups and resources, or single objects are named."""
    if rule.get("resourceNames"):
        return ()
    stars = {
        field: [f"{field}[{i}]" for i, word in enumerate(_words(rule, field)) if word == "*"]
        for field in ("verbs", "apiGroups", "resources")
    }
    if not rule.get("resources") or all(stars.values()):
        return ()
    return tuple(place for places in stars.values() for place in places)


def beyond_reading(rule: dict[str, Any]) -> tuple[str, ...]:
    """The places of a rule that let its holder change something; empty where it only reads.

    Left out is what every program does: writing its events and leases, asking about rights, reporting a status;
    and rules limited to single objects by name. For ``Grant.may_any``, beside ``READ_SECRETS``.
    """
    return _beyond_reading(rule, _is_nothing)


def beyond_reading_a_namespace(rule: dict[str, Any]) -> tuple[str, ...]:
    """``beyond_reading`` for a grant of one namespace, where rules on cluster-scoped resources grant nothing."""
    return _beyond_reading(rule, has_no_namespace)


def _is_nothing(_: str) -> bool:
    return False


def _beyond_reading(rule: dict[str, Any], is_left_out: Callable[[str], bool]) -> tuple[str, ...]:
    if rule.get("resourceNames"):
        return ()
    resources = [
        f"resources[{i}]"
        for i, name in enumerate(_words(rule, "resources"))
        if not _is_everyday(name) and not is_left_out(name)
    ]
    verbs = [f"verbs[{i}]" for i, verb in enumerate(_words(rule, "verbs")) if verb not in _READING]
    return (*resources, *verbs) if resources and verbs else ()


_READING = frozenset({"get", "list", "watch", ""})


def _is_everyday(resource: str) -> bool:
    return (
        resource in ("events", "leases", "tokenreviews", "")
        or resource.endswith(("accessreviews", "rulesreviews", "selfsubjectreviews"))
        or resource.endswith(("/status", "/finalizers"))
    )


def _words(rule: dict[str, Any], key: str) -> list[str]:
    words = rule.get(key)
    return [word if isinstance(word, str) else "" for word in words] if isinstance(words, list) else []
