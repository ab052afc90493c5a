"""An object that grants, selects, guards or serves nothing takes no finding away, whatever it is put beside."""

from typing import Any

import pytest
import yaml
from tests.posture.control_fixtures import fixtures_of
from tests.posture.test_planted_flaws import FLAWS, with_flaw

from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts

Body = dict[str, Any]
CONTROLS = [control for control in load_controls() if control.check]
FIXTURES = [(one, fixture) for one in CONTROLS for fixture in fixtures_of(one) if fixture.fails]
RBAC = "rbac.authorization.k8s.io"
ASKS_FOR_ANY = {"C-0189": "ServiceAccount"}
"""Controls that fail where an object of the kind is missing, whoever uses it."""
NOWHERE = "{app: of-no-pod}"
IN_A_NAMESPACE = f"""
apiVersion: v1
kind: Service
metadata: {{name: inert, namespace: NS}}
spec: {{selector: {NOWHERE}, ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: inert-without-selector, namespace: NS}}
spec: {{clusterIP: None, ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{podSelector: {{matchLabels: {NOWHERE}}}, policyTypes: [Ingress, Egress]}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{endpointSelector: {{matchLabels: {NOWHERE}}}, ingress: [{{}}], egress: [{{}}]}}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{selector: app == 'of-no-pod', types: [Ingress, Egress]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: inert, namespace: NS}}
automountServiceAccountToken: false
---
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: inert-account, namespace: NS}}
roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: inert-outside-namespaces}}
subjects: [{{kind: ServiceAccount, name: inert, namespace: NS}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: inert, namespace: NS}}
---
apiVersion: v1
kind: LimitRange
metadata: {{name: inert, namespace: NS}}
spec: {{limits: []}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {{name: inert, namespace: NS}}
spec: {{}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: inert, namespace: NS}}
spec: {{minAvailable: 1, selector: {{matchLabels: {NOWHERE}}}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{selector: {{matchLabels: {NOWHERE}}}, action: DENY}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: inert, namespace: NS}}
spec: {{selector: {{matchLabels: {NOWHERE}}}, mtls: {{mode: STRICT}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: inert, namespace: NS}}
spec: {{hosts: [of.no.host], http: []}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: inert, namespace: NS}}
spec: {{rules: [], tls: [{{hosts: [of.no.host], secretName: none}}]}}
"""
IN_THE_CLUSTER = f"""
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata: {{name: inert-outside-namespaces}}
rules: [{{apiGroups: [""], resources: [componentstatuses], verbs: [get]}}]
---
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata: {{name: inert-aggregation}}
aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {NOWHERE}}}]}}
---
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata: {{name: inert-empty-aggregation}}
aggregationRule: {{clusterRoleSelectors: []}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: inert}}
webhooks: [{{name: inert.example.com, rules: [], failurePolicy: Fail}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: inert}}
spec:
  failurePolicy: Fail
  validations: [{{expression: "false"}}]
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: inert}}
spec: {{policyName: of-no-policy, validationActions: [Deny]}}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {{name: inert}}
spec: {{endpointSelector: {{matchLabels: {NOWHERE}}}, ingress: [{{}}]}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {{name: inert}}
spec: {{selector: app == 'of-no-pod', types: [Ingress, Egress]}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: inert}}
provisioner: example.com/none
parameters: {{encrypted: "true"}}
"""


def inert_beside(documents: list[Body]) -> list[Body]:
    """One object of each kind that joins, in each namespace of ``documents``, and bindings that bind nobody."""
    metadata = [one["metadata"] for one in documents if isinstance(one.get("metadata"), dict)]
    written = {one.get("namespace") or "" for one in metadata} | {
        str(one["metadata"]["name"]) for one in documents if one.get("kind") == "Namespace"
    }
    found = list(yaml.safe_load_all(IN_THE_CLUSTER))
    for namespace in sorted(written):
        for one in yaml.safe_load_all(IN_A_NAMESPACE.replace("NS", namespace or '""')):
            if not namespace:
                del one["metadata"]["namespace"]
            found.append(one)
    for number, one in enumerate(documents):
        if one.get("kind") in ("Role", "ClusterRole") and isinstance(one.get("metadata"), dict):
            reference = {"apiGroup": RBAC, "kind": one["kind"], "name": one["metadata"].get("name")}
            there = one["metadata"].get("namespace") or ""
            for kind, namespaces in (("RoleBinding", {*written, there}), ("ClusterRoleBinding", {""})):
                for namespace in sorted(namespaces):
                    place = {"namespace": namespace} if namespace else {}
                    found.append(
                        {
                            "apiVersion": f"{RBAC}/v1",
                            "kind": kind,
                            "metadata": {"name": f"inert-{number}", **place},
                            "roleRef": reference,
                            "subjects": [],
                        }
                    )
    return found


def found_in(documents: list[Body], controls: Any, settings: Any = None, facts: Any = None) -> set[Any]:
    resources = [resource_of(d, Origin(path="f.yaml", document=i)) for i, d in enumerate(documents)]
    judgement = judge(resources, controls, settings=settings, facts=facts)
    return {(one.control, one.resource, one.on, one.path) for one in judgement.findings}


@pytest.mark.parametrize(
    ("control", "fixture"), FIXTURES, ids=[f"{one.id}-{fixture.path.stem}" for one, fixture in FIXTURES]
)
def test_a_control_finds_what_it_found_beside_inert_objects(control, fixture):
    alone = found_in(fixture.documents, [control], fixture.settings, fixture.facts)
    beside = [o for o in inert_beside(fixture.documents) if o["kind"] != ASKS_FOR_ANY.get(control.id)]
    together = [*fixture.documents, *beside]
    assert alone
    assert alone - found_in(together, [control], fixture.settings, fixture.facts) == set()


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw["flaw"])
def test_a_planted_flaw_is_found_beside_inert_objects(flaw):
    documents = with_flaw(flaw)
    facts = Facts(assume_complete="whole" in flaw)
    alone = found_in(documents, CONTROLS, None, facts)
    together = [*documents, *inert_beside(documents)]
    assert alone
    assert alone - found_in(together, CONTROLS, None, facts) == set()
