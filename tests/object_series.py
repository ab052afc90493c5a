"""Objects of all kinds that controls join, and series of changes to them, for property tests."""

import copy
from typing import Any

from hypothesis import strategies as st

from leadline.model.resource import Origin, Resource, resource_of

RBAC = "rbac.authorization.k8s.io/v1"
SERVED = {
    "Deployment": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "Role": RBAC,
    "ClusterRole": RBAC,
    "RoleBinding": RBAC,
    "ClusterRoleBinding": RBAC,
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "VirtualService": "networking.istio.io/v1",
    "Gateway": "networking.istio.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "CiliumNetworkPolicy": "cilium.io/v2",
    "CiliumClusterwideNetworkPolicy": "cilium.io/v2",
    "GlobalNetworkPolicy": "projectcalico.org/v3",
    "StorageClass": "storage.k8s.io/v1",
    "PodSecurityPolicy": "policy/v1beta1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1",
    "APIService": "apiregistration.k8s.io/v1",
    "ServiceScanResult": "kubescape.io/v1",
    "Memcached": "caches.example/v1",
    "NetworkPolicy of Calico": "projectcalico.org/v3",
    "SecurityException": "kubescape.io/v1beta1",
    "ClusterSecurityException": "kubescape.io/v1beta1",
}
UNSCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "Namespace",
    "Node",
    "GlobalNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "StorageClass",
    "PodSecurityPolicy",
    "PersistentVolume",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "APIService",
    "ClusterSecurityException",
}
FEW = st.sampled_from(["a", "b"])
SPACE = st.sampled_from(["", "default", "shop"])
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), FEW, max_size=2)
SELECTOR = st.one_of(
    LABELS.map(lambda pairs: {"matchLabels": pairs}),
    st.just({}),
    FEW.map(lambda v: {"matchExpressions": [{"key": "app", "operator": "In", "values": [v]}]}),
)
RULES = st.lists(
    st.builds(
        lambda verbs, resources: {"apiGroups": ["*"], "resources": resources, "verbs": verbs},
        st.lists(st.sampled_from(["get", "list", "create", "*"]), min_size=1, max_size=2),
        st.lists(st.sampled_from(["secrets", "pods", "pods/exec", "*"]), min_size=1, max_size=2),
    ),
    max_size=2,
)
SUBJECT = st.one_of(
    st.builds(lambda n, s: {"kind": "ServiceAccount", "name": n, "namespace": s or "default"}, FEW, SPACE),
    FEW.map(lambda n: {"kind": "ServiceAccount", "name": n}),
    st.sampled_from(
        [
            {"kind": "Group", "name": name}
            for name in ("system:serviceaccounts", "system:authenticated", "system:serviceaccounts:shop")
        ]
    ),
    FEW.map(lambda n: {"kind": "User", "name": f"system:serviceaccount:shop:{n}"}),
)
WEBHOOK_RULE = {"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"], "apiVersions": ["v1"]}


@st.composite
def pod_spec(draw: st.DrawFn) -> dict[str, Any]:
    container = {
        "name": "c",
        "image": draw(st.sampled_from(["web:1", "ingress-nginx/controller:v1.0.0"])),
        "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}],
        "securityContext": draw(
            st.sampled_from([{}, {"privileged": True}, {"seLinuxOptions": {"level": "s0"}}])
        ),
    }
    volume = draw(
        st.sampled_from(
            [
                {"secret": {"secretName": "a"}},
                {"configMap": {"name": "a"}},
                {"persistentVolumeClaim": {"claimName": "a"}},
            ]
        )
    )
    spec: dict[str, Any] = {"containers": [container], "volumes": [{"name": "v", **volume}]}
    account = draw(st.sampled_from(["", "a", "b"]))
    if account:
        spec["serviceAccountName"] = account
    if draw(st.booleans()):
        spec["automountServiceAccountToken"] = draw(st.booleans())
    return spec


@st.composite
def template(draw: st.DrawFn) -> dict[str, Any]:
    return {"metadata": {"labels": draw(LABELS)}, "spec": draw(pod_spec())}


def reference(kinds: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["a", "b", "edit", "cluster-admin"])
    return st.builds(lambda kind, name: {"kind": kind, "name": name}, st.sampled_from(kinds), names)


BACKEND = FEW.map(lambda n: {"service": {"name": n, "port": {"number": 80}}})
POLICY = st.builds(
    lambda selector, types, rules: {"podSelector": selector, "policyTypes": types, "ingress": rules},
    SELECTOR,
    st.sampled_from([["Ingress"], ["Ingress", "Egress"], []]),
    st.sampled_from([[], [{}], [{"from": [{"podSelector": {}}]}]]),
)
CONTROL_IDS = ("C-0057", "C-0016", "C-0012", "C-0260", "C-0015", "C-0188", "C-0034", "C-0188", "L-0001")
EXCEPTION = st.builds(
    lambda controls, resources, selector, expires, framework: {
        "reason": "known",
        "match": {**({"resources": resources} if resources else {}), **selector},
        "posture": [{"controlID": control, "action": "ignore", **framework} for control in controls],
        **({"expiresAt": expires} if expires else {}),
    },
    st.lists(st.sampled_from(CONTROL_IDS), min_size=1, max_size=3),
    st.lists(
        st.builds(
            lambda kind, name, group: {"kind": kind, **({"name": name} if name else {}), **group},
            st.sampled_from(["Pod", "Deployment", "Role", "ServiceAccount"]),
            st.sampled_from(["", "a", "b"]),
            st.sampled_from([{}, {}, {"apiGroup": ""}, {"apiGroup": "apps"}]),
        ),
        max_size=2,
    ),
    st.one_of(
        st.just({}),
        LABELS.map(lambda pairs: {"objectSelector": {"matchLabels": pairs}}),
        LABELS.map(lambda pairs: {"namespaceSelector": {"matchLabels": pairs}}),
        st.sampled_from(["objectSelector", "namespaceSelector"]).map(
            lambda name: {name: {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}
        ),
    ),
    st.sampled_from(["", "2001-01-01", "2999-01-01", "no date"]),
    st.sampled_from([{}, {}, {"frameworkName": "NSA"}, {"frameworkName": "mitre"}]),
)
ACCEPTED = st.sampled_from(
    [
        {},
        {},
        {},
        {"leadline.dev/accept": "C-0057, C-0188, C-0016"},
        {"leadline.dev/accept": "C-0057", "leadline.dev/accept-until": "2001-01-01"},
    ]
)
CONTENT: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Pod": pod_spec().map(lambda spec: {"spec": spec}),
    "Deployment": template().map(lambda made: {"spec": {"template": made, "replicas": 2}}),
    "Service": st.builds(
        lambda kind, selector: {"spec": {"type": kind, "selector": selector, "ports": [{"port": 22}]}},
        st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
        LABELS,
    ),
    "ServiceAccount": st.sampled_from([{}, {"automountServiceAccountToken": False}]),
    "Secret": st.just({}),
    "ConfigMap": st.sampled_from([{}, {"data": {"allow-snippet-annotations": "false"}}]),
    "PersistentVolumeClaim": st.just({}),
    "PersistentVolume": FEW.map(lambda n: {"spec": {"storageClassName": n}}),
    "StorageClass": st.sampled_from([{}, {"parameters": {"encrypted": "true"}}]),
    "Namespace": st.just({}),
    "Node": st.sampled_from(["v1.20.1", "v1.30.0"]).map(
        lambda v: {"status": {"nodeInfo": {"kubeletVersion": v}}}
    ),
    "NetworkPolicy": POLICY.map(lambda spec: {"spec": spec}),
    "CiliumNetworkPolicy": SELECTOR.map(lambda s: {"spec": {"endpointSelector": s, "ingress": [{}]}}),
    "CiliumClusterwideNetworkPolicy": SELECTOR.map(
        lambda s: {"spec": {"endpointSelector": s, "ingress": [{}]}}
    ),
    "GlobalNetworkPolicy": st.sampled_from(["", "tier == 'a'"]).map(
        lambda s: {"spec": {"selector": s, "namespaceSelector": s, "ingress": []}}
    ),
    "Ingress": BACKEND.map(lambda b: {"spec": {"defaultBackend": b}}),
    "HTTPRoute": st.builds(
        lambda n, s: {"spec": {"rules": [{"backendRefs": [{"name": n, **({"namespace": s} if s else {})}]}]}},
        FEW,
        SPACE,
    ),
    "VirtualService": st.builds(
        lambda g, h: {
            "spec": {"gateways": [g], "http": [{"route": [{"destination": {"host": h}}]}]},
        },
        st.sampled_from(["a", "shop/b"]),
        st.sampled_from(["a", "b.shop"]),
    ),
    "Gateway": LABELS.map(lambda pairs: {"spec": {"selector": pairs}}),
    "HorizontalPodAutoscaler": FEW.map(
        lambda n: {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": n}}}
    ),
    "Role": RULES.map(lambda rules: {"rules": rules}),
    "ClusterRole": st.builds(
        lambda rules, aggregation: {"rules": rules, **aggregation},
        RULES,
        st.one_of(st.just({}), SELECTOR.map(lambda s: {"aggregationRule": {"clusterRoleSelectors": [s]}})),
    ),
    "RoleBinding": st.builds(
        lambda ref, subjects: {"roleRef": ref, "subjects": subjects},
        reference(("Role", "ClusterRole")),
        st.lists(SUBJECT, max_size=2),
    ),
    "ClusterRoleBinding": st.builds(
        lambda ref, subjects: {"roleRef": ref, "subjects": subjects},
        reference(("ClusterRole",)),
        st.lists(SUBJECT, max_size=2),
    ),
    "PodSecurityPolicy": st.sampled_from([{}, {"spec": {"privileged": True, "hostNetwork": True}}]),
    "ValidatingWebhookConfiguration": SELECTOR.map(
        lambda s: {"webhooks": [{"rules": [WEBHOOK_RULE], "namespaceSelector": s}]}
    ),
    "ValidatingAdmissionPolicy": st.just({"spec": {"matchConstraints": {"resourceRules": [WEBHOOK_RULE]}}}),
    "ValidatingAdmissionPolicyBinding": FEW.map(
        lambda n: {"spec": {"policyName": n, "validationActions": ["Deny"]}}
    ),
    "APIService": st.builds(lambda n: {"spec": {"service": {"name": n, "namespace": "shop"}}}, FEW),
    "ServiceScanResult": st.just({"spec": {"ports": [{"authenticated": False}]}}),
    "Memcached": st.just({}),
    "LimitRange": st.sampled_from(["default", "defaultRequest"]).map(
        lambda field: {"spec": {"limits": [{"type": "Container", field: {"cpu": "1", "memory": "1Gi"}}]}}
    ),
    "ResourceQuota": st.sampled_from(["limits.cpu", "requests.memory"]).map(
        lambda field: {"spec": {"hard": {field: "4"}}}
    ),
    "GRPCRoute": FEW.map(lambda n: {"spec": {"rules": [{"backendRefs": [{"name": n}]}]}}),
    "NetworkPolicy of Calico": st.just({"spec": {"selector": "all()", "ingress": []}}),
    "SecurityException": EXCEPTION.map(lambda spec: {"spec": spec}),
    "ClusterSecurityException": EXCEPTION.map(lambda spec: {"spec": spec}),
}
CLUSTER_ROLE_LABEL = {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}
FOLDERS = ("one", "two")


@st.composite
def objects(draw: st.DrawFn, is_cluster: bool) -> Resource:
    kind = draw(st.sampled_from(sorted(CONTENT)))
    metadata: dict[str, Any] = {"name": draw(FEW), "labels": draw(LABELS)}
    if marks := draw(ACCEPTED):
        metadata["annotations"] = marks
    if kind == "ClusterRole" and draw(st.booleans()):
        metadata["labels"] |= CLUSTER_ROLE_LABEL
    if kind == "Namespace":
        metadata["name"] = draw(st.sampled_from(["default", "shop"]))
    if kind not in UNSCOPED:
        metadata["namespace"] = draw(SPACE) or ("default" if is_cluster else "")
    body = {
        "apiVersion": SERVED.get(kind, "v1"),
        "kind": kind.partition(" ")[0],
        "metadata": metadata,
        **draw(CONTENT[kind]),
    }
    origin = Origin("cluster") if is_cluster else draw(places())
    return resource_of(copy.deepcopy(body), origin)


@st.composite
def places(draw: st.DrawFn) -> Origin:
    folder = draw(st.sampled_from(FOLDERS))
    if draw(st.integers(0, 3)) == 0:
        return Origin("kustomize", f"{folder}/{draw(FEW)}.yaml", rendered_from=f"overlays/{folder}")
    return Origin(path=f"{folder}/{draw(FEW)}.yaml", document=draw(st.integers(0, 2)))


Change = tuple[list[int], list[Resource], bool]
"""Which objects go, by number; what is added; whether each that goes comes back changed."""


def series(is_cluster: bool) -> st.SearchStrategy[tuple[list[Resource], list[Change]]]:
    some = st.lists(objects(is_cluster), max_size=4)
    change = st.tuples(st.lists(st.integers(0, 30), max_size=2), some, st.booleans())
    return st.tuples(
        st.lists(objects(is_cluster), min_size=3, max_size=14), st.lists(change, min_size=1, max_size=5)
    )


def resource_like(new: Resource, old: Resource | None) -> Resource:
    """``new`` by the name of ``old``."""
    if old is None or old.kind != new.kind:
        return new
    body = {**new.body, "metadata": {**new.body["metadata"], **_called(old)}}
    return resource_of(body, old.origin)


def _called(old: Resource) -> dict[str, Any]:
    return {key: old.body["metadata"][key] for key in ("name", "namespace") if key in old.body["metadata"]}
