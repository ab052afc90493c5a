"""This Argo CD lets a chart read files of other applications.

With a crafted Helm chart anyone who may add an application reads files of the repository server, the
credentials of other applications among them.

Fix: move to 2.1.9, 2.2.4, 2.3 or later.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - {name: web, image: "quay.io/argoproj/argocd:v2.2.3"}

Cannot see: a fixed build under the old tag.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-24348
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control

AFFECTED = (("0.0.0", "2.1.9"), ("2.2.0", "2.2.4"))


@control(
    "C-0081",
    "CVE-2022-24348-argocddirtraversal",
    problem="Argo CD reads files outside its folder",
    consequence="secrets",
    score=6.0,
    reference_score=4.0,
    category="Workload",
)
def argocd_path_traversal(container: Container) -> Violations:
    name = parse_image_name(container.image)
    if name.program not in ("argocd",):
        return
    version = parse_version(name.tag)
    if version is not None and is_within(version, AFFECTED):
        yield Review("image")
