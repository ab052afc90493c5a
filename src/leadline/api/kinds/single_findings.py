"""Single findings as objects of the namespace that they are about: of a control, and of the image of a container."""

from typing import Annotated

from msgspec import UNSET

from leadline.api.kind import Body, Column, at, named_at, our_kind
from leadline.api.wire_type import List, Maybe, Texts, Wire, about

FAILED, ACCEPTED = "Failed", "Accepted"

State = Annotated[str, about("Failed; or Accepted, which counts nowhere and stays visible here.")]
Until = Annotated[Maybe[str], about("When what accepts it ends.")]


class FailedObject(Wire, frozen=True):
    """The object that fails."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class FindingPath(Wire, frozen=True):
    """Where the object fails, and what to write there."""

    failed_path: Annotated[str, about("The field that is wrong.")] = ""
    fix_path: Annotated[str, about("The field to set.")] = ""
    fix_path_value: Annotated[str, about("The value to set it to.")] = ""
    fix_command: Annotated[str, about("What to do where no value fixes it.")] = ""


class FailedControl(Wire, frozen=True):
    """One control that one object fails; worked out of its WorkloadConfigurationScan."""

    control: Annotated[str, about("Id of the control.")] = ""
    title: Annotated[str, about("What is wrong.")] = ""
    severity: Annotated[str, about("Critical, High, Medium, Low or Unknown.")] = ""
    score_factor: Annotated[float, about("Weight of the control, 0 to 10.")] = 0
    object: FailedObject = FailedObject()
    paths: Annotated[List[FindingPath], about("Where, and the fix.")] = None
    state: State = FAILED
    accepted_by: Annotated[Maybe[str], about("Name of what accepts it.")] = UNSET
    accepted_until: Until = UNSET


class Finding(Wire, frozen=True):
    spec: FailedControl = FailedControl()


class VulnerablePackage(Wire, frozen=True):
    """A package of the image that has the vulnerability."""

    name: str = ""
    version: str = ""
    type: Annotated[str, about("Such as deb, apk, npm or go-module.")] = ""
    fixed_in: Annotated[Texts, about("Versions without it; none where there is none yet.")] = None


class ContainerVulnerability(Wire, frozen=True):
    """One vulnerability of the image of one container; worked out of its VulnerabilityManifest."""

    vulnerability: Annotated[str, about("Its id, such as CVE-2021-44228.")] = ""
    severity: Annotated[str, about("Critical, High, Medium, Low, Negligible or Unknown.")] = ""
    object: FailedObject = FailedObject()
    container: Annotated[str, about("Whose image it is.")] = ""
    image: Annotated[str, about("Name of the image.")] = ""
    packages: Annotated[List[VulnerablePackage], about("The packages that have it.")] = None
    description: str = ""
    source: Annotated[str, about("Where it is described.")] = ""
    is_exploited: Annotated[bool, about("Whether attackers are known to use it.")] = False
    state: State = FAILED


class ImageFinding(Wire, frozen=True):
    spec: ContainerVulnerability = ContainerVulnerability()


def _fix(body: Body) -> str:
    """The first path with what to do there."""
    path: Body = next(iter(at(body, "spec", "paths") or ()), {})
    if path.get("fixPath"):
        return f"set {path['fixPath']} to {path['fixPathValue']}"
    return str(path.get("fixCommand") or path.get("failedPath") or "")


def _package(body: Body) -> str:
    packages = at(body, "spec", "packages") or ()
    return f"{packages[0]['name']} {packages[0]['version']}" if packages else ""


def _fixed_in(body: Body) -> str:
    packages = at(body, "spec", "packages") or ()
    return next((one["fixedIn"][0] for one in packages if one["fixedIn"]), "")


FINDINGS = our_kind(
    Finding,
    "findings",
    (
        Column("Severity", "string", "spec.severity", "of the control"),
        Column("Control", "string", "spec.control", "id of the control"),
        Column("Title", "string", "spec.title", "what is wrong"),
        Column("Object", "string", named_at("spec", "object"), "the object that fails"),
        Column("State", "string", "spec.state", "Failed, or Accepted"),
        Column("Fix", "string", _fix, "the first of its edits", 1),
        Column("Until", "string", "spec.acceptedUntil", "when what accepts it ends", 1),
    ),
    is_computed=True,
    is_view=True,
    short_names=("fnd",),
)
IMAGE_FINDINGS = our_kind(
    ImageFinding,
    "imagefindings",
    (
        Column("Severity", "string", "spec.severity", "of the vulnerability"),
        Column("Vulnerability", "string", "spec.vulnerability", "its id"),
        Column("Package", "string", _package, "the first package that has it"),
        Column("Fixed-In", "string", _fixed_in, "the first version without it"),
        Column("Object", "string", named_at("spec", "object"), "the workload"),
        Column("Container", "string", "spec.container", "whose image it is"),
        Column("State", "string", "spec.state", "Failed, or Accepted"),
        Column("Image", "string", "spec.image", "the image", 1),
    ),
    is_computed=True,
    is_view=True,
    short_names=("ifnd",),
)
