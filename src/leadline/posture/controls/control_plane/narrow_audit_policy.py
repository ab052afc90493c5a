"""The audit policy leaves out what an investigation asks for first.

Reading Secrets, running commands in pods and changing workloads leave no trace when no rule names them.

Fix: log at least the metadata of requests for secrets, configmaps, tokenreviews, pods, workloads and their
exec, attach and port-forward.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      APIServerInfo:
        arguments: [kube-apiserver, --audit-policy-file=/etc/kubernetes/audit.yaml]
        auditPolicy:
        - {level: Metadata, resources: [{group: "", resources: [secrets]}]}
        - {level: None}

Cannot see: rules for some users, namespaces or verbs alone, which are passed over.

See: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from leadline.posture.checks.api_server_files import AUDIT, audit_level, named_file
from leadline.posture.checks.host_files import CONTROL_PLANE
from leadline.posture.control import Resource, Review, Violations, control

WITHOUT_BODY = (("", "secrets"), ("", "configmaps"), ("authentication.k8s.io", "tokenreviews"))
"""Their content belongs in no log."""
AT_ALL = (
    *(
        ("", name)
        for name in ("pods", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy")
    ),
    ("apps", "deployments"),
)


@control(
    "C-0161",
    "Ensure that the audit policy covers key security concerns",
    problem="Audit policy leaves out key events",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def narrow_audit_policy(node: Resource) -> Violations:
    place, rules = named_file(node, AUDIT)
    if rules is None:
        yield Review(place, advice="give --audit-policy-file a policy")
        return
    silent = [name for group, name in (*WITHOUT_BODY, *AT_ALL) if audit_level(rules, group, name) == "None"]
    spoken = [name for group, name in WITHOUT_BODY if audit_level(rules, group, name).startswith("Request")]
    if silent:
        yield Review(place, advice=f"log requests for {', '.join(silent)}")
    if spoken:
        yield Review(place, advice=f"log {', '.join(spoken)} at the level Metadata: their content is logged")
