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

See: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

from leadline.posture.checks.api_server_files import ENCRYPTION, named_file, providers_of
from leadline.posture.checks.host_files import CONTROL_PLANE
from leadline.posture.control import Resource, Review, Violations, control, mapping

STRONG = ("kms", "secretbox", "aescbc")


@control(
    "C-0142",
    "Ensure that encryption providers are appropriately configured",
    problem="Weak encryption provider",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def weak_encryption_provider(node: Resource) -> Violations:
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
