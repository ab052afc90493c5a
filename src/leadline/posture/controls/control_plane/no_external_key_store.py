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

See: https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/
"""

from leadline.posture.checks.api_server_files import ENCRYPTION, named_file
from leadline.posture.checks.host_files import CONTROL_PLANE
from leadline.posture.control import Resource, Review, Violations, control, mappings


@control(
    "C-0208",
    "Consider external secret storage",
    problem="No external key store",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def no_external_key_store(node: Resource) -> Violations:
    place, entries = named_file(node, ENCRYPTION)
    for _, entry in mappings(entries):
        if any(provider.get("type") == "kms" for _, provider in mappings(entry.get("providers"))):
            return
    yield Review(place, advice="use a kms provider")
