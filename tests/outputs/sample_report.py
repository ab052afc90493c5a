"""A report with one of everything, made by hand: every violation, a derived subject, skips, unread parts."""

import msgspec
import yaml

from leadline.kube.field_path import parse_path
from leadline.model.control import Control, Framework, FrameworkEntry, Missing, Remove, Review, Set
from leadline.model.finding import Finding, Place, Skip
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread
from leadline.outputs.documents.sealing import with_bodies
from leadline.outputs.format_registry import Asked, Page
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, ShownPlaces
from leadline.outputs.text.plain import source_line

TEXT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: nginx
          image: nginx:latest
          env:
            - name: PASSWORD
              value: hunter2-but-longer
          securityContext:
            privileged: true
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  bank.password: correct-horse-9-battery
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
  - apiGroups: [""]
    resources: [secrets, pods]
    verbs: [get]
"""
SECRETS = ("hunter2-but-longer", "correct-horse-9-battery")
BODIES = list(yaml.safe_load_all(TEXT))
WEB, SETTINGS, READER = (
    resource_of(body, Origin(path="app.yaml", document=i, root="deploy")) for i, body in enumerate(BODIES)
)
SUBJECT = resource_of(
    {"kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "shop"}},
    Origin(kind="derived", path=f"{READER.id}//shop/ServiceAccount/robot"),
)

DOC = """{}

More about it.

Fix: take it out.

Example::

    kind: Pod

See: https://example.com/{}
"""


def control(id: str, title: str, score: float, why: str, **fields: object) -> Control:
    name = title.lower().replace(" ", "_")
    return Control(id, title, score, "Workload / Node escape", DOC.format(why, id), name, **fields)  # type: ignore[arg-type]


PRIVILEGED = control("C-0057", "Privileged container", 9.5, "Keeps every capability.")
SECRETS_READ = control("C-0015", "List Kubernetes secrets", 7.0, "Reads every credential.")
PLAIN_TEXT = control(
    "C-0012", "Credential in plain sight", 8.0, "A credential in a place that anyone reads.",
    settings={"sensitive_key_names": ("password",)},
)  # fmt: skip
POLICY = control("C-0260", "Missing network policy", 5.0, "Every pod may connect.")
ESCALATION = control("C-0016", "Allow privilege escalation", 6.0, "It may gain privileges.")
KUBELET = control("C-0069", "Anonymous kubelet", 9.0, "Anyone may ask.", needs="kubelet settings")
IMMUTABLE = control("C-0017", "Immutable container filesystem", 3.0, "It may write to itself.")
CONTROLS = (PRIVILEGED, KUBELET, PLAIN_TEXT, SECRETS_READ, ESCALATION, POLICY, IMMUTABLE)

_NGINX = "spec.template.spec.containers[0]."
FINDINGS = (
    Finding("C-0057", WEB.id, Remove(f"{_NGINX}securityContext.privileged")),
    Finding("C-0016", WEB.id, Set(f"{_NGINX}securityContext.allowPrivilegeEscalation", False)),
    Finding("C-0260", WEB.id, Missing("a NetworkPolicy that selects these pods")),
    Finding("C-0012", SETTINGS.id, Review("data[bank.password]")),
    Finding("C-0015", SUBJECT.id, Review("rules[0].resources[0]", READER.id), (READER.id,)),
)
UNREAD = (
    Unread("deploy/svc.yaml", "bad indentation", "malformed", 14, 3, "fix it"),
    Unread("deploy/web/templates/hpa.yaml", "a Helm template without its chart", "malformed"),
)

RAW = PostureReport(
    target=Target("directory", "deploy", "/home/me/deploy"),
    resources=(WEB, SETTINGS, READER, SUBJECT),
    controls=CONTROLS,
    findings=FINDINGS,
    judged=(("C-0057", "C-0012", "C-0016", "C-0260", "C-0017"), ("C-0012",), ("C-0012",), ("C-0015",)),
    skips=(Skip("C-0069", "not built yet: needs kubelet settings", "not built"),),
    gave_up={SETTINGS.id: (Skip("C-0017", "what it names is not here"),)},
    unread=UNREAD,
    frameworks=(Framework("NSA", "NSA", (FrameworkEntry("C-0057"), FrameworkEntry("C-0017"))),),
    settings={"sensitive_key_names": ("password",)},
    not_kubernetes=1,
    files=1,
    objects=3,
    seconds=0.42,
)


def redacted(raw: PostureReport) -> PostureReport:
    """What a scan read, without secrets and with bodies, as if it were sealed but for its places."""
    hidden = Redaction(SecretValues())
    hidden.learn_from(raw.resources)
    report = hidden.report(raw)
    return with_bodies(report, hidden.places(NoPlaces(), raw.resources, report))


REPORT = redacted(RAW)

_PLACES = {
    (0, f"{_NGINX}securityContext.privileged"): Place("app.yaml", 17, 13),
    (0, f"{_NGINX}securityContext.allowPrivilegeEscalation"): Place("app.yaml", 16, 11, exact=False),
    (0, ""): Place("app.yaml", 1, 1),
    (1, "data[bank.password]"): Place("app.yaml", 25, 3),
    (2, "rules[0].resources[0]"): Place("app.yaml", 32, 17),
    (2, ""): Place("app.yaml", 27, 1),
}


class SamplePlaces:
    """Knows the places of the sample's findings; every line is moved down by ``shift``."""

    def __init__(self, text: str = TEXT, shift: int = 0) -> None:
        self._lines = text.split("\n")
        self._shift = shift

    def find(self, resource, path: str) -> Place | None:
        parse_path(path) if path else None
        if resource.origin.kind != "file":
            return None
        place = _PLACES.get((resource.origin.document, path)) or Place(
            resource.origin.path, 1, 1, exact=False
        )
        return Place(place.path, place.line + self._shift, place.column, place.exact)

    def lines(self, resource, first: int, last: int) -> list[str]:
        lines = self._lines[max(0, first - 1 - self._shift) : max(0, last - self._shift)]
        hider = LineHider(BODIES[resource.origin.document % len(BODIES)])
        return [hider.hide(source_line(line)) for line in lines]

    def body(self, resource) -> dict[str, object]:
        return resource.body

    read_body = body

    def shown_risk(self, risk):
        return risk


def page(**fields: object) -> Page:
    return Page(
        **{
            "places": SamplePlaces(),
            "folder": "/home/me",
            "again": "leadline scan deploy",
            "at": "2026-01-02T03:04:05Z",
            "version": "1.2.3",
            "asked": Asked("Framework", ("nsa",), ("json",)),
            **fields,
        }  # type: ignore[arg-type]
    )


def places_of(resource: Resource, places: ShownPlaces) -> FindingPlaces:
    """The places of findings on ``resource`` alone."""
    return FindingPlaces(msgspec.structs.replace(REPORT, resources=(resource,)), places)
