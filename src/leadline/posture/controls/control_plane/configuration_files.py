"""What the files say that the API server is given."""

from leadline.posture.checks.api_server_files import AUDIT, ENCRYPTION, audit_level, named_file, providers_of
from leadline.posture.checks.host_files import CONTROL_PLANE
from leadline.posture.control import Resource, Review, Violations, control, mapping, mappings

WITHOUT_BODY = (("", "secrets"), ("", "configmaps"), ("authentication.k8s.io", "tokenreviews"))
"""Their content belongs in no log."""
AT_ALL = (
    *(
        ("", name)
        for name in ("pods", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy")
    ),
    ("apps", "deployments"),
)
STRONG = ("kms", "secretbox", "aescbc")


@control(
    "C-0161",
    "Ensure that the audit policy covers key security concerns",
    problem="Audit policy leaves out key events",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
    see="https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/",
)
def narrow_audit_policy(node: Resource) -> Violations:
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
    """
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


@control(
    "C-0208",
    "Consider external secret storage",
    problem="No external key store",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
    see="https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/",
)
def no_external_key_store(node: Resource) -> Violations:
    """The key that encrypts Secrets in etcd lies beside them on the same disk.

    A copy of the disk then holds both; a key service outside keeps them apart and logs each use.

    Fix: use a ``kms`` provider backed by a key service of your cloud or data centre.

    Example::

        apiVersion: hostdata.kubescape.cloud/v1beta1
        kind: ControlPlaneInfo
        metadata: {name: n1}
        spec:
          APIServerInfo:
            arguments: [kube-apiserver, --encryption-provider-config=/etc/kubernetes/enc.yaml]
            encryption:
            - resources: ["secrets"]
              providers: [{type: aescbc}]

    Cannot see: operators that bring secrets from a store outside of the cluster.
    """
    place, entries = named_file(node, ENCRYPTION)
    for _, entry in mappings(entries):
        if any(provider.get("type") == "kms" for _, provider in mappings(entry.get("providers"))):
            return
    yield Review(place, advice="use a kms provider")


@control(
    "C-0142",
    "Ensure that encryption providers are appropriately configured",
    problem="Weak encryption provider",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
    see="https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/",
)
def weak_encryption_provider(node: Resource) -> Violations:
    """Secrets in etcd are encrypted with a weak provider, or not at all.

    ``identity`` as the first provider stores them as they are, whatever else the file lists.

    Fix: put ``kms``, ``secretbox`` or ``aescbc`` first for each kind in the encryption configuration.

    Example::

        apiVersion: hostdata.kubescape.cloud/v1beta1
        kind: ControlPlaneInfo
        metadata: {name: n1}
        spec:
          APIServerInfo:
            arguments: [kube-apiserver, --encryption-provider-config=/etc/kubernetes/enc.yaml]
            encryption:
            - resources: ["secrets"]
              providers: [{type: identity}, {type: aescbc}]

    Cannot see: keys that have leaked; objects written before the provider was in force.
    """
    place, entries = named_file(node, ENCRYPTION)
    if entries is None:
        yield Review(place, advice="give --encryption-provider-config a file that encrypts secrets")
        return
    found = providers_of(entries, "", "secrets")
    if found is None:
        yield Review(place, advice="add an entry for secrets to the encryption configuration")
        return
    index, providers = found
    if not providers or mapping(providers[0]).get("type") not in STRONG:
        yield Review(f"{place}[{index}].providers", advice="put kms, secretbox or aescbc first")
