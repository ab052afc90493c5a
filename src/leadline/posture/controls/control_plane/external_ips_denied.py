"""An old benchmark wanted Services to be free to claim outside addresses; today's benchmarks want the opposite.

C-0283 asks that the admission plugin ``DenyServiceExternalIPs`` is on, because the field ``externalIPs`` lets a tenant
draw other people's traffic (CVE-2020-8554). Both cannot be right for one cluster, so this one is not judged: a person
looks whether Services depend on the field.

Fix: list the Services that have ``spec.externalIPs``; where there are none, keep the plugin on.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
"""

from leadline.posture.control import manual

external_ips_denied = manual(
    "C-0115",
    "Ensure that the API Server --DenyServiceExternalIPs is not set",
    problem="External IPs of Services denied",
    score=2.0,
    reference_score=4.0,
    category="Control plane",
    look_at="whether Services depend on spec.externalIPs, before the plugin DenyServiceExternalIPs is turned on",
)
