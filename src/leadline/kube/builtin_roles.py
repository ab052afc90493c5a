"""The roles that every cluster has from its start, so that a binding to one is understood without a cluster.

Rules as the API server writes them at start
(https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles).
"""

from typing import Any

Rule = dict[str, list[str]]

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Rule:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


_VIEWED_CORE = [
    "bindings",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "replicationcontrollers/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
]
_APPS = [
    "daemonsets",
    "deployments",
    "deployments/scale",
    "replicasets",
    "replicasets/scale",
    "statefulsets",
    "statefulsets/scale",
]
_VIEW: list[Rule] = [
    _rule([""], _VIEWED_CORE, _READ),
    _rule(["discovery.k8s.io"], ["endpointslices"], _READ),
    _rule(["apps"], ["controllerrevisions", *_APPS], _READ),
    _rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], _READ),
    _rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], _READ),
    _rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], _READ),
    _rule(["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"], _READ),
]
_EDIT: list[Rule] = [
    _rule(
        [""],
        ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
        _READ,
    ),
    _rule([""], ["serviceaccounts"], ["impersonate"]),
    _rule([""], ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], _WRITE),
    _rule([""], ["pods/eviction"], ["create"]),
    _rule(
        [""],
        [
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
        ],
        _WRITE,
    ),
    _rule([""], ["serviceaccounts/token"], ["create"]),
    _rule(["apps"], ["deployments/rollback", *_APPS], _WRITE),
    _rule(["autoscaling"], ["horizontalpodautoscalers"], _WRITE),
    _rule(["batch"], ["cronjobs", "jobs"], _WRITE),
    _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
    _rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], _WRITE),
    _rule(["coordination.k8s.io"], ["leases"], [*_READ, *_WRITE]),
]
_ADMIN: list[Rule] = [
    _rule(["rbac.authorization.k8s.io"], ["rolebindings", "roles"], [*_READ, *_WRITE]),
    _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
]

_WRITE_EVENTS = _rule(["", "events.k8s.io"], ["events"], ["create", "patch", "update"])
_ASK_ABOUT_CALLERS: list[Rule] = [
    _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
    _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
]
_SCHEDULER: list[Rule] = [
    _WRITE_EVENTS,
    _rule(["coordination.k8s.io"], ["leases"], ["create"]),
    {**_rule(["coordination.k8s.io"], ["leases"], ["get", "update"]), "resourceNames": ["kube-scheduler"]},
    _rule([""], ["namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes"], _READ),
    _rule([""], ["pods"], [*_READ, "delete"]),
    _rule([""], ["bindings", "pods/binding"], ["create"]),
    _rule([""], ["pods/status"], ["patch", "update"]),
    _rule([""], ["replicationcontrollers", "services"], _READ),
    _rule(["apps"], ["replicasets", "statefulsets"], _READ),
    _rule(["policy"], ["poddisruptionbudgets"], _READ),
    *_ASK_ABOUT_CALLERS,
    _rule(["storage.k8s.io"], ["csidrivers", "csinodes", "csistoragecapacities"], _READ),
]
_CONTROLLER_MANAGER: list[Rule] = [
    _WRITE_EVENTS,
    _rule(["coordination.k8s.io"], ["leases"], ["create"]),
    {
        **_rule(["coordination.k8s.io"], ["leases"], ["get", "update"]),
        "resourceNames": ["kube-controller-manager"],
    },
    _rule([""], ["secrets", "serviceaccounts"], ["create", "get", "update"]),
    _rule([""], ["secrets"], ["delete"]),
    _rule([""], ["configmaps", "namespaces"], ["get"]),
    *_ASK_ABOUT_CALLERS,
    _rule(["*"], ["*"], ["list", "watch"]),
    _rule([""], ["serviceaccounts/token"], ["create"]),
]
_NODE: list[Rule] = [
    *_ASK_ABOUT_CALLERS,
    _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
    _rule([""], ["services", "pods", "configmaps", "secrets"], _READ),
    _rule([""], ["nodes"], [*_READ, "create", "patch", "update"]),
    _rule([""], ["nodes/status", "pods/status"], ["patch", "update"]),
    _rule([""], ["events"], ["create", "patch", "update"]),
    _rule([""], ["pods"], ["create", "delete"]),
    _rule([""], ["pods/eviction", "serviceaccounts/token"], ["create"]),
    _rule([""], ["persistentvolumeclaims", "persistentvolumes", "endpoints"], ["get"]),
    _rule([""], ["persistentvolumeclaims/status"], ["get", "patch", "update"]),
    _rule(["certificates.k8s.io"], ["certificatesigningrequests"], [*_READ, "create"]),
    _rule(["coordination.k8s.io"], ["leases"], ["create", "delete", "get", "patch", "update"]),
    _rule(["storage.k8s.io"], ["volumeattachments"], ["get"]),
    _rule(["storage.k8s.io"], ["csidrivers"], _READ),
    _rule(["storage.k8s.io"], ["csinodes"], ["create", "delete", "get", "patch", "update"]),
    _rule(["node.k8s.io"], ["runtimeclasses"], _READ),
]
"""A binding of this role lets every kubelet read all secrets; the Node authoriser makes it needless."""


def _role(rules: list[Rule], *, gathers: str = "", adds_to: str = "") -> dict[str, Any]:
    """A role's body; ``gathers`` and ``adds_to`` end the labels by which roles are put together."""
    body: dict[str, Any] = {"rules": rules}
    if gathers:
        body["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_AGGREGATE + gathers: "true"}}]}
    if adds_to:
        body["metadata"] = {"labels": {_AGGREGATE + adds_to: "true"}}
    return body


_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


BUILT_IN_ROLES: dict[str, dict[str, Any]] = {
    "cluster-admin": {"rules": [_rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}]},
    "admin": _role([*_ADMIN, *_EDIT, *_VIEW], gathers="admin"),
    "edit": _role([*_EDIT, *_VIEW], gathers="edit", adds_to="admin"),
    "view": _role(_VIEW, gathers="view", adds_to="edit"),
    "system:auth-delegator": _role(_ASK_ABOUT_CALLERS),
    "system:persistent-volume-provisioner": _role(
        [
            _rule([""], ["persistentvolumes"], [*_READ, "create", "delete"]),
            _rule([""], ["persistentvolumeclaims"], [*_READ, "update"]),
            _rule(["storage.k8s.io"], ["storageclasses"], _READ),
            _rule([""], ["events"], ["watch"]),
            _WRITE_EVENTS,
        ]
    ),
    "system:monitoring": {
        "rules": [
            {
                "nonResourceURLs": ["/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*"],
                "verbs": ["get"],
            },
            {"nonResourceURLs": ["/metrics", "/metrics/slis"], "verbs": ["get"]},
        ]
    },
    "system:kube-dns": _role([_rule([""], ["endpoints", "services"], ["list", "watch"])]),
    "system:kube-scheduler": _role(_SCHEDULER),
    "system:volume-scheduler": _role(
        [
            _rule([""], ["persistentvolumeclaims", "persistentvolumes"], [*_READ, "patch", "update"]),
            _rule(["storage.k8s.io"], ["storageclasses"], _READ),
        ]
    ),
    "system:kube-controller-manager": _role(_CONTROLLER_MANAGER),
    "system:node": _role(_NODE),
    "system:node-problem-detector": _role(
        [_rule([""], ["nodes"], ["get"]), _rule([""], ["nodes/status"], ["patch"]), _WRITE_EVENTS]
    ),
    **{
        f"system:certificates.k8s.io:{signer}-approver": {
            "rules": [
                {
                    **_rule(["certificates.k8s.io"], ["signers"], ["approve"]),
                    "resourceNames": [f"kubernetes.io/{signer}"],
                }
            ]
        }
        for signer in (
            "kube-apiserver-client",
            "kube-apiserver-client-kubelet",
            "kubelet-serving",
            "legacy-unknown",
        )
    },
    "system:kubelet-api-admin": _role(
        [
            _rule([""], ["nodes"], ["get", "list", "watch", "proxy"]),
            _rule([""], ["nodes/proxy", "nodes/log", "nodes/metrics", "nodes/stats", "nodes/spec"], ["*"]),
        ]
    ),
    "system:node-proxier": _role(
        [
            _rule([""], ["services", "endpoints"], ["list", "watch"]),
            _rule([""], ["nodes"], _READ),
            _rule(["discovery.k8s.io"], ["endpointslices"], ["list", "watch"]),
            _WRITE_EVENTS,
        ]
    ),
    "system:discovery": {
        "rules": [{"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*"], "verbs": ["get"]}]
    },
    "system:public-info-viewer": {
        "rules": [
            {"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}
        ]
    },
    "system:basic-user": _role(
        [
            _rule(
                ["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]
            ),
            _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
        ]
    ),
    "system:node-bootstrapper": _role(
        [_rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", "get", "list", "watch"])]
    ),
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": _role(
        [_rule(["certificates.k8s.io"], ["certificatesigningrequests/nodeclient"], ["create"])]
    ),
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": _role(
        [_rule(["certificates.k8s.io"], ["certificatesigningrequests/selfnodeclient"], ["create"])]
    ),
    "system:service-account-issuer-discovery": {
        "rules": [
            {"nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"], "verbs": ["get"]}
        ]
    },
}

BUILT_IN_NAMESPACED_ROLES: dict[tuple[str, str], dict[str, Any]] = {
    ("kube-system", "extension-apiserver-authentication-reader"): {
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["configmaps"],
                "resourceNames": ["extension-apiserver-authentication"],
                "verbs": ["get", "list", "watch"],
            }
        ]
    },
}
"""Namespace and name of the roles of one namespace that add-ons bind to."""
