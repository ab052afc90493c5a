"""Which bindings Kubernetes makes for itself when a cluster starts, and cannot work without.

The API server writes them, labels them ``kubernetes.io/bootstrapping: rbac-defaults`` and restores what is missing
(https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings); kubeadm adds a few.
The label alone proves nothing, since anyone may set it: names, subjects and what the role allows have to fit too.
"""

from collections.abc import Iterable
from typing import Any

from leadline.model.resource import Resource

Subject = tuple[str, str, str]
"""Kind, namespace, name."""

PUBLIC = frozenset(
    {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}
)
"""Names that represent anyone, or for anyone who can sign in."""

_PUBLIC_ROLES = frozenset(
    {
        "system:public-info-viewer",
        "system:discovery",
        "system:basic-user",
        "system:service-account-issuer-discovery",
    }
)
_HOLDERS: dict[str, frozenset[Subject]] = {
    "cluster-admin": frozenset({("Group", "", "system:masters")}),
    "system:monitoring": frozenset({("Group", "", "system:monitoring")}),
    "system:node": frozenset({("Group", "", "system:nodes")}),
    "system:node-proxier": frozenset({("User", "", "system:kube-proxy")}),
    "system:kube-controller-manager": frozenset({("User", "", "system:kube-controller-manager")}),
    "system:kube-scheduler": frozenset({("User", "", "system:kube-scheduler")}),
    "system:volume-scheduler": frozenset({("User", "", "system:kube-scheduler")}),
    "system:kube-dns": frozenset({("ServiceAccount", "kube-system", "kube-dns")}),
}
"""Of each built-in ClusterRole whom the binding of the same name gives it to."""
_COMPONENTS: frozenset[Subject] = frozenset(
    {
        ("User", "", "system:kube-controller-manager"),
        ("User", "", "system:kube-scheduler"),
        ("ServiceAccount", "kube-system", "kube-controller-manager"),
        ("ServiceAccount", "kube-system", "kube-scheduler"),
        ("ServiceAccount", "kube-system", "leader-election-controller"),
    }
)
_KUBEADM_ADMINS = ("Group", "", "kubeadm:cluster-admins")
_CONTROLLER = "system:controller:"


def is_bootstrap_grant(
    binding: Resource, role: Resource, subject: Subject, rules: Iterable[dict[str, Any]]
) -> bool:
    """Whether ``binding`` gives ``role`` to ``subject`` because Kubernetes needs it so. ``rules`` are the role's."""
    if subject == _KUBEADM_ADMINS:
        return binding.name == "kubeadm:cluster-admins" and role.name == "cluster-admin"
    metadata = binding.body.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or labels.get("kubernetes.io/bootstrapping") != "rbac-defaults":
        return False
    if binding.kind == "RoleBinding":
        return _is_own_role_binding(binding, role, subject)
    if binding.name != role.name:
        return False
    if subject[2] in PUBLIC:
        return role.name in _PUBLIC_ROLES and grants_only_public_facts(rules)
    if role.name.startswith(_CONTROLLER):
        return subject == ("ServiceAccount", "kube-system", role.name.removeprefix(_CONTROLLER))
    return subject in _HOLDERS.get(role.name, ())


def grants_only_public_facts(rules: Iterable[dict[str, Any]]) -> bool:
    """Whether rules reach no object: only health, version and discovery pages, and questions about oneself.

    What someone adds to a built-in role stays there, so the name of a role is not enough.
    """
    return all(_is_public_fact(rule) for rule in rules)


def _is_public_fact(rule: dict[str, Any]) -> bool:
    resources, urls = rule.get("resources"), rule.get("nonResourceURLs")
    if resources:
        return isinstance(resources, list) and all(
            isinstance(name, str) and name.startswith("self") and name.endswith("reviews")
            for name in resources
        )
    return isinstance(urls, list) and all(
        isinstance(url, str) and url.startswith(_PUBLIC_PAGES) for url in urls
    )


_PUBLIC_PAGES = ("/healthz", "/livez", "/readyz", "/version", "/api", "/openapi", "/openid", "/.well-known/")


def _is_own_role_binding(binding: Resource, role: Resource, subject: Subject) -> bool:
    """The API server binds a few Roles in its two own namespaces to components and to controllers' accounts."""
    if binding.namespace not in ("kube-system", "kube-public") or not binding.name.startswith("system:"):
        return False
    if role.name.startswith(_CONTROLLER):
        return subject == ("ServiceAccount", "kube-system", role.name.removeprefix(_CONTROLLER))
    is_expected = role.name.startswith("system::leader-locking-kube-") or (
        role.name == "extension-apiserver-authentication-reader"
    )
    return is_expected and subject in _COMPONENTS
