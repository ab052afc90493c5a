"""Writes the definitions of the kinds that a cluster keeps of accepted findings, of rules and of its nodes: ``python deploy/crds.py [--check]``.

One model gives both: ``ExceptionSpec`` and what it holds. With ``--check`` nothing is written; the exit code is 1
where a file is not what would be written.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import yaml
from msgspec import Meta, Struct

from leadline.kube.kinds import plural_of
from leadline.runtime.cel_rules import MOST_RULES
from leadline.sources.waivers.exception_spec import ClusterExceptionSpec, ExceptionSpec

FOLDER = Path(__file__).resolve().parent / "crds"
GROUP = "kubescape.io"
VERSION = "v1beta1"


class Matched(Struct, rename="camel"):
    matched: Annotated[int, Meta(description="Findings that it is about.")] = 0
    last_match: Annotated[str, Meta(description="When that was last seen to have changed.")] | None = None


class ExceptionStatus(Struct, rename="camel"):
    """Written by the operator."""

    state: Annotated[str, Meta(description="InForce, Expired or Invalid.")] | None = None
    expired: Annotated[bool, Meta(description="Whether its end has passed.")] | None = None
    error: Annotated[str, Meta(description="Why it is not in force.")] | None = None
    posture: Annotated[Matched, Meta(description="Of findings about objects.")] | None = None
    vulnerabilities: Annotated[Matched, Meta(description="Of vulnerabilities in images.")] | None = None


OF_SPEC = (
    (
        "has(self.vulnerabilities) && size(self.vulnerabilities) > 0 || has(self.posture) && size(self.posture) > 0",
        "vulnerabilities or posture has to name something",
    ),
)
OF_VULNERABILITY = (
    ("self.status != 'not_affected' || has(self.justification)", "not_affected needs a justification"),
)
OF_EXPRESSION = (
    (
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "In and NotIn need values, Exists and DoesNotExist take none",
    ),
)
OF_MOMENT = (
    (
        "self == '' || self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$')",
        "neither a day, such as 2027-01-31, nor a moment, RFC 3339",
    ),
)
Rules = tuple[tuple[str, str], ...]
COLUMNS = (
    ("State", "string", ".status.state", 0, "InForce, Expired or Invalid."),
    ("Posture", "integer", ".status.posture.matched", 0, "Findings of objects that it is about."),
    (
        "Vulnerabilities",
        "integer",
        ".status.vulnerabilities.matched",
        0,
        "Vulnerabilities in images that it is about.",
    ),
    ("Expires", "string", ".spec.expiresAt", 0, "The last day on which it holds, or the moment of its end."),
    ("Reason", "string", ".spec.reason", 0, "Why it is accepted."),
    ("Author", "string", ".spec.author", 1, "Who answers for it."),
    ("Error", "string", ".status.error", 1, "Why it is Invalid."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "How long ago it was written."),
)


def definitions() -> dict[str, dict[str, Any]]:
    """Each definition by the name of its file."""
    return {
        "securityexceptions.yaml": definition("SecurityException", "se", ExceptionSpec, "Namespaced"),
        "clustersecurityexceptions.yaml": definition(
            "ClusterSecurityException", "cse", ClusterExceptionSpec, "Cluster"
        ),
        "rules.yaml": definition_of_rules(),
        **{f"{plural_of(kind)}.yaml": definition_of_nodes(kind, said) for kind, said in OF_NODES.items()},
    }


def definition_of_rules() -> dict[str, Any]:
    """Rules of users in CEL, as the ecosystem writes them: an object that exists for another program is valid here."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    rules = {"type": "array", "maxItems": MOST_RULES, "items": anything}
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": {"type": "object", "properties": {"rules": rules}, "required": ["rules"]},
    }
    said = "Rules of your own, in CEL, about what containers do."
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"description": said, "type": "object", "properties": properties}},
    }
    names = {"kind": "Rules", "listKind": "RulesList", "plural": "rules", "singular": "rule"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"rules.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


HOST_GROUP = "hostdata.kubescape.cloud"
OF_NODES = {
    "CNIInfo": "Files and names of the network plugins of a node.",
    "ControlPlaneInfo": "Flags and files of the control plane on a node.",
    "KernelVersion": "The version of a node's kernel.",
    "KubeProxyInfo": "How kube-proxy of a node was started.",
    "KubeletInfo": "Files and settings of a node's kubelet.",
    "LinuxKernelVariables": "Settings of a node's kernel.",
    "OpenPortsList": "What listens on a node.",
    "OsReleaseFile": "The operating system of a node.",
}
"""Kinds with what an object of each says; existing agents write the same."""


def definition_of_nodes(kind: str, said: str) -> dict[str, Any]:
    """Their fields are the agents' own: nothing is demanded of them, and nothing is taken out."""
    plural = plural_of(kind)
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    column = {
        "name": "Last sensed",
        "type": "string",
        "jsonPath": ".status.lastSensed",
        "description": "When it was read.",
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": anything,
        "status": anything,
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column],
        "schema": {"openAPIV3Schema": {"description": said, "type": "object", "properties": properties}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{HOST_GROUP}"},
        "spec": {"group": HOST_GROUP, "scope": "Cluster", "names": names, "versions": [version]},
    }


def definition(kind: str, short: str, spec: type[Struct], scope: str) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    shape = structural(spec)
    _demand(shape, OF_SPEC)
    vulnerability = shape["properties"]["vulnerabilities"]["items"]
    _demand(vulnerability, OF_VULNERABILITY)
    for one in (shape, vulnerability):
        _demand(one["properties"]["expiresAt"], OF_MOMENT)
    for name, one in shape["properties"]["match"]["properties"].items():
        if name.endswith("Selector"):
            _demand(one["properties"]["matchExpressions"]["items"], OF_EXPRESSION)
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {
                "name": name,
                "type": type_,
                "jsonPath": path,
                "description": said,
                **({"priority": rank} if rank else {}),
            }
            for name, type_, path, rank, said in COLUMNS
        ],
        "schema": {
            "openAPIV3Schema": {
                "description": spec.__doc__,
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


def _demand(shape: dict[str, Any], rules: Rules) -> None:
    shape["x-kubernetes-validations"] = [{"rule": rule, "message": said} for rule, said in rules]


def structural(model: type[Struct]) -> dict[str, Any]:
    """The schema of ``model`` as a definition takes it: nothing referred to, nothing null, no defaults.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
    """
    (whole,), parts = msgspec.json.schema_components([model], ref_template="{name}")
    shape = _inlined(whole, parts)
    _describe(model, shape)
    return shape


def _describe(model: type[Struct], shape: dict[str, Any]) -> None:
    """What the fields that hold others say of themselves, which the schema leaves out where they may be absent."""
    for field in msgspec.structs.fields(model):
        part = shape["properties"][field.encode_name]
        for kind in get_args(field.type) if type(None) in get_args(field.type) else (field.type,):
            said = [
                one.description for one in get_args(kind)[1:] if isinstance(one, Meta) and one.description
            ]
            if said:
                part["description"] = said[0]
            inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
            if get_origin(inner) is list:
                (inner,), part = get_args(inner), part["items"]
            if isinstance(inner, type) and issubclass(inner, Struct):
                _describe(inner, part)


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
        if name in ("title", "default") or (name == "additionalProperties" and value is False):
            # The API server takes out, or with strict validation refuses, what is not named.
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
