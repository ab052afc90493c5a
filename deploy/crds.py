"""Writes the definitions of the kinds that a cluster keeps of accepted findings: ``python deploy/crds.py [--check]``.

One model gives both: ``ExceptionSpec`` and what it holds. With ``--check`` nothing is written; the exit code is 1
where a file is not what would be written.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

FOLDER = Path(__file__).resolve().parent / "crds"
GROUP = "kubescape.io"
VERSION = "v1beta1"

Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
Justification = Literal[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]
Response = Literal["can_not_fix", "will_not_fix", "update", "rollback", "workaround_available"]
Text = Annotated[str, Meta(max_length=4096)]
Name = Annotated[str, Meta(min_length=1, max_length=253)]
Moment = Annotated[
    str, Meta(max_length=64, description="A day, 2027-01-31, which still counts; or a moment, RFC 3339.")
]


class Expression(Struct, rename="camel"):
    key: Annotated[str, Meta(min_length=1, max_length=317)]
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Annotated[list[Annotated[str, Meta(max_length=63)]], Meta(max_length=100)] | None = None


class Selector(Struct, rename="camel"):
    match_labels: dict[str, Annotated[str, Meta(max_length=63)]] | None = None
    match_expressions: Annotated[list[Expression], Meta(max_length=100)] | None = None


class About(Struct, rename="camel"):
    kind: Name
    api_group: Text | None = None
    name: (
        Annotated[str, Meta(max_length=253, description="Empty for all of the kind; * stands for any text.")]
        | None
    ) = None


class Match(Struct, rename="camel"):
    object_selector: Annotated[Selector, Meta(description="Labels of the objects.")] | None = None
    resources: Annotated[list[About], Meta(max_length=500)] | None = None
    images: Annotated[list[Text], Meta(max_length=500, description="* stands for any text.")] | None = None


class ClusterMatch(Match, rename="camel"):
    namespace_selector: Annotated[Selector, Meta(description="Labels of the objects' namespaces.")] | None = (
        None
    )


class Named(Struct, rename="camel"):
    id: Name
    aliases: Annotated[list[Name], Meta(max_length=100)] | None = None


class Vulnerability(Struct, rename="camel"):
    vulnerability: Named
    status: Status
    justification: Justification | None = None
    impact_statement: Text | None = None
    action_statement: Text | None = None
    response: Annotated[list[Response], Meta(max_length=10)] | None = None
    subcomponents: Annotated[list[Text], Meta(max_length=500, description="Package URLs.")] | None = None
    expires_at: Moment | None = None
    expired_on_fix: Annotated[bool, Meta(description="Whether it ends as soon as there is a fix.")] | None = (
        None
    )


class Posture(Struct, rename="camel"):
    control_id: Annotated[Name, Meta(description="For example C-0057.")] = msgspec.field(name="controlID")
    framework_name: Text | None = None
    action: Literal["ignore", "alert_only"] | None = None


class ExceptionSpec(Struct, rename="camel"):
    match: Annotated[Match, Meta(description="What it is about; all parts have to match.")] | None = None
    reason: Annotated[str, Meta(max_length=4096, description="Why it is accepted.")] | None = None
    author: Annotated[str, Meta(max_length=253, description="Who answers for it.")] | None = None
    expires_at: Moment | None = None
    vulnerabilities: Annotated[list[Vulnerability], Meta(max_length=500)] | None = None
    posture: Annotated[list[Posture], Meta(max_length=500)] | None = None


class ClusterExceptionSpec(ExceptionSpec, rename="camel"):
    match: Annotated[ClusterMatch, Meta(description="What it is about; all parts have to match.")] | None = (
        None
    )


class Matched(Struct, rename="camel"):
    matched: Annotated[int, Meta(description="Findings that it is about.")] = 0
    last_match: Annotated[str, Meta(description="When that was last seen to have changed.")] | None = None


class ExceptionStatus(Struct, rename="camel"):
    """Written by the operator."""

    state: Annotated[str, Meta(description="InForce, Expired or Invalid.")] | None = None
    expired: bool | None = None
    error: Annotated[str, Meta(description="Why it is not in force.")] | None = None
    posture: Annotated[Matched, Meta(description="Of findings about objects.")] | None = None
    vulnerabilities: Annotated[Matched, Meta(description="Of vulnerabilities in images.")] | None = None


RULES = (
    (
        "has(self.vulnerabilities) && size(self.vulnerabilities) > 0 || has(self.posture) && size(self.posture) > 0",
        "vulnerabilities or posture has to name something",
    ),
)
COLUMNS = (
    ("State", "string", ".status.state", 0),
    ("Findings", "integer", ".status.posture.matched", 0),
    ("Vulnerabilities", "integer", ".status.vulnerabilities.matched", 1),
    ("Reason", "string", ".spec.reason", 0),
    ("Expires", "string", ".spec.expiresAt", 0),
    ("Error", "string", ".status.error", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)


def definitions() -> dict[str, dict[str, Any]]:
    """Each definition by the name of its file."""
    return {
        "securityexceptions.yaml": definition("SecurityException", "se", ExceptionSpec, "Namespaced"),
        "clustersecurityexceptions.yaml": definition(
            "ClusterSecurityException", "cse", ClusterExceptionSpec, "Cluster"
        ),
    }


def definition(kind: str, short: str, spec: type[Struct], scope: str) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    shape = structural(spec)
    shape["x-kubernetes-validations"] = [{"rule": rule, "message": said} for rule, said in RULES]
    of_each = shape["properties"]["vulnerabilities"]["items"]
    of_each["x-kubernetes-validations"] = [
        {
            "rule": "self.status != 'not_affected' || has(self.justification)",
            "message": "not_affected needs a justification",
        }
    ]
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": type_, "jsonPath": path, **({"priority": rank} if rank else {})}
            for name, type_, path, rank in COLUMNS
        ],
        "schema": {
            "openAPIV3Schema": {
                "description": "Findings that are accepted, with the reason and until when.",
                "type": "object",
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": shape,
                    "status": structural(ExceptionStatus),
                },
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
            },
            "versions": [version],
        },
    }


def structural(model: type[Struct]) -> dict[str, Any]:
    """The schema of ``model`` as a definition takes it: nothing referred to, nothing null, no defaults.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
    """
    (whole,), parts = msgspec.json.schema_components([model], ref_template="{name}")
    return _inlined(whole, parts)


def _inlined(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _inlined(parts[schema["$ref"]] | rest, parts)
    if "anyOf" in schema:
        some = [one for one in schema["anyOf"] if one != {"type": "null"}]
        rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return _inlined(some[0] | rest, parts)
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("title", "default"):
            continue
        if name == "properties":
            made[name] = {key: _inlined(one, parts) for key, one in value.items()}
        elif name in ("items", "additionalProperties"):
            made[name] = _inlined(value, parts)
        elif name == "enum":
            made[name] = [one for one in value if one is not None]
            made.setdefault("type", "string")
        elif name == "required" and not value:
            continue
        else:
            made[name] = value
    return made


def text(body: dict[str, Any]) -> str:
    written = yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False, width=120)
    return f"# Written by deploy/crds.py; change it there.\n{written}"


def main() -> int:
    wanted = {FOLDER / name: text(body) for name, body in definitions().items()}
    stale = [path for path, content in wanted.items() if not path.exists() or path.read_text() != content]
    stale += [path for path in FOLDER.glob("*.yaml") if path not in wanted]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path.name} is not current: run python deploy/crds.py\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.yaml"):
        path.unlink()
    for path, content in wanted.items():
        path.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
