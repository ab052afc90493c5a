"""This Kyverno can be shown one image and made to admit another.

A registry under an intruder's control answers the check of the signature with a good image and the pull
with a bad one, so that unsigned images pass.

Fix: move to 1.8.5 or later.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - {name: web, image: "ghcr.io/kyverno/kyverno:v1.8.4"}

Cannot see: a fixed build under the old tag.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-47633
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control

AFFECTED = (("1.8.3", "1.8.5"),)


@control(
    "C-0091",
    "CVE-2022-47633-kyverno-signature-bypass",
    problem="Kyverno accepts forged signatures",
    consequence="other",
    score=7.0,
    reference_score=8.0,
    category="Workload",
)
def kyverno_signature_bypass(container: Container) -> Violations:
    name = parse_image_name(container.image)
    if name.program not in ("kyverno",):
        return
    version = parse_version(name.tag)
    if version is not None and is_within(version, AFFECTED):
        yield Review("image")
