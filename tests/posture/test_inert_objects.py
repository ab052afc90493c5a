"""An object that grants, selects, guards or serves nothing takes no finding away, whatever it is put beside."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.posture.control_fixtures import fixtures_of
from tests.posture.test_planted_flaws import FLAWS, with_flaw

from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.checks.istio import MESH_KINDS
from leadline.posture.engine import judge
from leadline.posture.index import WORKLOADS, kind_name
from leadline.posture.inventory import Facts
from leadline.posture.risk.fronts import FRONT_KINDS
from leadline.posture.risk.ranking import workload_risks
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan

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
---
apiVersion: v1
kind: Secret
metadata: {{name: inert, namespace: NS}}
type: Opaque
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: inert, namespace: NS}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: inert, namespace: NS}}
spec: {{from: [], to: []}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: inert, namespace: NS}}
spec: {{selector: {NOWHERE}, servers: []}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: inert, namespace: NS}}
spec: {{hosts: [of.no.host], endpoints: []}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: inert, namespace: NS}}
spec: {{workloadSelector: {{labels: {NOWHERE}}}, egress: []}}
---
apiVersion: crd.projectcalico.org/v1
kind: NetworkPolicy
metadata: {{name: inert-stored, namespace: NS}}
spec: {{selector: app == 'of-no-pod', types: [Ingress, Egress]}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: of-no-route}}], basicAuth: {{users: {{name: none}}}}}}
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {{name: inert, namespace: NS}}
spec: {{basicAuth: {{secret: none}}}}
---
apiVersion: traefik.containo.us/v1alpha1
kind: Middleware
metadata: {{name: inert-old, namespace: NS}}
spec: {{forwardAuth: {{address: "http://authelia"}}}}
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {{name: inert, namespace: NS}}
plugin: key-auth
---
apiVersion: k8s.nginx.org/v1
kind: Policy
metadata: {{name: inert, namespace: NS}}
spec: {{basicAuth: {{secret: none}}}}
---
apiVersion: cloud.google.com/v1
kind: BackendConfig
metadata: {{name: inert, namespace: NS}}
spec: {{iap: {{enabled: true}}}}
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {{name: inert, namespace: NS}}
spec: {{podSelector: {{matchLabels: {NOWHERE}}}, port: http, accessPolicy: deny}}
---
apiVersion: policy.linkerd.io/v1beta1
kind: ServerAuthorization
metadata: {{name: inert, namespace: NS}}
spec: {{server: {{name: of-no-server}}, client: {{meshTLS: {{identities: [none]}}}}}}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {{name: inert, namespace: NS}}
spec: {{targetRef: {{group: policy.linkerd.io, kind: Server, name: of-no-server}}, requiredAuthenticationRefs: []}}
"""
_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
IN_A_NAMESPACE += "".join(
    f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: inert, namespace: NS}}
spec: {{parentRefs: [{{name: of-no-gateway}}], rules: []}}
"""
    for kind in _ROUTES
)
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
---
apiVersion: v1
kind: Namespace
metadata: {{name: inert, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}
---
apiVersion: v1
kind: Node
metadata: {{name: inert}}
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {{name: inert-stored}}
spec: {{selector: app == 'of-no-pod', types: [Ingress, Egress]}}
---
apiVersion: configuration.konghq.com/v1
kind: KongClusterPlugin
metadata: {{name: inert}}
plugin: key-auth
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {{name: inert}}
webhooks: [{{name: inert.example.com, rules: [], failurePolicy: Fail}}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: inert}}
spec: {{controller: example.com/none}}
"""
JUDGED_THEMSELVES = {
    "Pod", "ReplicationController", "Deployment.apps", "DaemonSet.apps", "ReplicaSet.apps", "StatefulSet.apps", WORKLOADS,
}  # fmt: skip
"""What runs pods is not inert: controls find something in it."""
FACTS = {
    "ControlPlaneInfo.hostdata.kubescape.cloud", "LinuxKernelVariables.hostdata.kubescape.cloud",
    "ServiceScanResult.kubescape.io", "VulnerabilityManifestSummary.spdx.softwarecomposition.kubescape.io",
}  # fmt: skip
"""What was read of nodes, ports and images: written by our own programs, each about the object that it names."""


def test_there_is_an_inert_object_of_every_kind_that_joins():
    read = {kind for control in CONTROLS for kind in control.reads} | {*FRONT_KINDS, *MESH_KINDS}
    resources = [
        resource_of(one, Origin(path="f.yaml", document=0))
        for text in (IN_A_NAMESPACE, IN_THE_CLUSTER)
        for one in yaml.safe_load_all(text)
    ]
    roles = {f"{kind}.{RBAC}" for kind in ("Role", "RoleBinding", "ClusterRoleBinding")}
    assert read - {kind_name(one) for one in resources} - roles - JUDGED_THEMSELVES - FACTS == set()


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


def test_no_workload_ranks_lower_beside_inert_objects(tmp_path: Path):
    """Fronts, policies and routes lower what is at stake: those that are of nothing must not."""
    shop = Path(__file__).parents[2] / "examples" / "shop"

    def scores(folder: Path) -> dict[str, float]:
        with open_posture_scan((str(folder),), PostureOptions()) as scan:
            risks = workload_risks(scan.report_with_bodies)
            return {scan.report.resource(one.resource).title: one.score for one in risks}

    alone = tmp_path / "alone"
    shutil.copytree(shop, alone)
    with open_posture_scan((str(alone),), PostureOptions()) as scan:
        spaces = [{"metadata": {"namespace": one.namespace}} for one in scan.report.resources]
    before = scores(alone)
    (alone / "zz-inert.yaml").write_text(yaml.safe_dump_all(inert_beside(spaces)))
    after = scores(alone)
    assert before
    assert {
        title: (score, after.get(title)) for title, score in before.items() if after.get(title, -1.0) < score
    } == {}
