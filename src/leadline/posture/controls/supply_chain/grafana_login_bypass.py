"""This Grafana can mix up two requests and treat a caller as signed in who is not.

Under load the login check of one request can be applied to another, so that protected pages answer to
anyone.

Fix: move to 9.2.4 or later.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
          - {name: web, image: "grafana/grafana:9.2.3"}

Cannot see: a fixed build under the old tag.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-39328
"""

from leadline.kube.version import is_within, parse_version
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.control import Container, Review, Violations, control

AFFECTED = (("9.2.0", "9.2.4"),)


@control(
    "C-0090",
    "CVE-2022-39328-grafana-auth-bypass",
    problem="Grafana login can be bypassed",
    consequence="reachable from outside",
    score=8.0,
    reference_score=9.0,
    category="Workload",
)
def grafana_login_bypass(container: Container) -> Violations:
    name = parse_image_name(container.image)
    if name.program not in ("grafana", "grafana-oss", "grafana-enterprise"):
        return
    version = parse_version(name.tag)
    if version is not None and is_within(version, AFFECTED):
        yield Review("image")
