"""Every key of ``leadline.toml``: its flag, its variable, its schema, and how much of it counts in a file that comes with the code.

Flags take their values by this table, ``leadline schema config`` and a page of the documentation site are written from it.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from leadline.model.control import SEVERITIES

FILE_NAME = "leadline.toml"
PREFIX = "LEADLINE_"
UNMATCHED = "unmatched"
"""The gate that scans of images alone have."""
GRADES = tuple(reversed([severity for severity in SEVERITIES if severity != "unknown"]))
"""The mildest first."""
Value = str | tuple[str, ...] | float | bool
Kind = Literal["text", "texts", "number", "whole number", "switch", "file", "files", "place"]
"""``file``: a path, relative to the folder of ``leadline.toml``; ``place``: one, or ``kube``."""
Inside = Literal[
    "adds",
    "left out by name",
    "at a terminal",
    "would hide findings",
    "would change verdicts",
    "would run code",
    "would write",
    "would reach elsewhere",
]
"""What becomes of a key in a file that comes with the code; those that begin with *would* are not taken."""
MEANINGS: Mapping[Inside, str] = MappingProxyType(
    {
        "adds": "counts: it only asks for more",
        "left out by name": "counts as an ignore file does: what is left out is named, --no-waivers-from-target takes it in",
        "at a terminal": "counts where the output is a terminal, not in a pipe or a file",
        "would hide findings": "not taken: it would hide findings",
        "would change verdicts": "not taken: it would change verdicts",
        "would run code": "not taken: it would run code",
        "would write": "not taken: it would write",
        "would reach elsewhere": "not taken: it would reach another place",
    }
)


class Key(Struct, frozen=True, kw_only=True):
    """One key. Its variable is ``LEADLINE_`` and the name in capitals, with ``_``."""

    name: str
    """As the flag is called, without its dashes."""
    kind: Kind
    inside: Inside
    doc: str
    example: str
    """As TOML writes it."""
    commands: tuple[str, ...] = ()
    """Where it counts, ``image scan``; empty for every command with that flag."""
    parameter: str = ""
    """What click calls the flag, where that is not the name."""
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return self.parameter or self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper().replace("-", "_")

    @property
    def counts_inside(self) -> bool:
        """Whether a file that comes with the code has a say at all."""
        return not self.inside.startswith("would")


_SCANS = ("scan", "image scan")
KEYS: tuple[Key, ...] = (
    Key(
        name="severity-threshold",
        kind="text",
        inside="adds",
        doc="Exit 1 on a finding of this severity or above.",
        example='"high"',
        commands=_SCANS,
        choices=GRADES,
    ),
    Key(
        name="compliance-threshold",
        kind="number",
        inside="adds",
        doc="Exit 1 on a score below it, 0 to 100.",
        example="80",
        commands=("scan",),
    ),
    Key(
        name="fail-on",
        kind="texts",
        inside="adds",
        doc="Exit 1 when something could not be read, or packages of an image not be matched.",
        example='["unread"]',
        commands=_SCANS,
        choices=("unread", UNMATCHED),
    ),
    Key(
        name="frameworks",
        kind="texts",
        inside="adds",
        doc="Judge by the controls of these alone. From a file that comes with the code: count their scores besides.",
        example='["nsa", "mitre"]',
        commands=("scan",),
    ),
    Key(
        name="no-waivers-from-target",
        kind="switch",
        inside="adds",
        doc="Pass over annotations, comments, SecurityExceptions and ignore files that come with the target.",
        example="true",
    ),
    Key(
        name="exclude-path",
        kind="texts",
        inside="left out by name",
        doc="Leave files out, as .gitignore writes it, from each target down.",
        example='["legacy/"]',
    ),
    Key(
        name="format",
        kind="texts",
        inside="at a terminal",
        doc="Formats of the report; name=file only in a file of yours.",
        example='["pretty"]',
        commands=("scan",),
    ),
    Key(
        name="by",
        kind="text",
        inside="at a terminal",
        doc="What the terminal counts findings by.",
        example='"object"',
        # As ``outputs.overview`` has them; images are scanned in less time than that takes to import.
        choices=("control", "object", "namespace", "fix"),
    ),
    Key(
        name="min-severity",
        kind="text",
        inside="at a terminal",
        doc="Show nothing below it; gates see all.",
        example='"medium"',
        choices=GRADES,
    ),
    Key(
        name="verbose",
        kind="switch",
        inside="at a terminal",
        doc="Every finding with its lines and its fix.",
        example="true",
        commands=("scan", "fix", "image scan"),
    ),
    Key(
        name="exclude-controls",
        kind="texts",
        inside="would hide findings",
        doc="Leave controls out, by id or title.",
        example='["C-0026"]',
    ),
    Key(
        name="include-namespaces",
        kind="texts",
        inside="would hide findings",
        doc="Judge only these.",
        example='["shop"]',
    ),
    Key(
        name="exclude-namespaces",
        kind="texts",
        inside="would hide findings",
        doc="Judge all but these.",
        example='["kube-system"]',
    ),
    Key(
        name="waivers",
        kind="files",
        inside="would hide findings",
        doc="Which findings are accepted.",
        example='["waivers.yaml"]',
        parameter="exceptions",
    ),
    Key(
        name="baseline",
        kind="file",
        inside="would hide findings",
        doc="What that report or baseline knows fails no gate.",
        example='"leadline-baseline.json"',
    ),
    Key(
        name="vex",
        kind="files",
        inside="would hide findings",
        doc="Statements of what is not affected.",
        example='["vex.json"]',
    ),
    Key(
        name="only-fixable",
        kind="switch",
        inside="would hide findings",
        doc="Leave vulnerabilities without a fix out.",
        example="true",
    ),
    Key(
        name="controls-config",
        kind="file",
        inside="would change verdicts",
        doc="Settings of controls: JSON, YAML or TOML.",
        example='"settings.toml"',
    ),
    Key(
        name="framework-file",
        kind="files",
        inside="would change verdicts",
        doc="Your own frameworks, TOML.",
        example='["ours.toml"]',
    ),
    Key(
        name="assume-complete",
        kind="switch",
        inside="would change verdicts",
        doc="Take what is read for all there is, as in a whole cluster.",
        example="true",
    ),
    Key(
        name="kube-version",
        kind="text",
        inside="would change verdicts",
        doc="The Kubernetes version charts are rendered for.",
        example='"1.33"',
    ),
    Key(
        name="api-versions",
        kind="texts",
        inside="would change verdicts",
        doc="API versions that charts may count on.",
        example='["monitoring.coreos.com/v1"]',
    ),
    Key(
        name="values",
        kind="files",
        inside="would change verdicts",
        doc="Values for every chart; [[chart]] is for one.",
        example='["values.yaml"]',
    ),
    Key(
        name="db",
        kind="file",
        inside="would change verdicts",
        doc="The vulnerability database.",
        example='"vulnerabilities.db"',
        commands=("image scan", "image diff"),
    ),
    Key(
        name="max-db-age",
        kind="whole number",
        inside="would change verdicts",
        doc="Refuse an older database, in days.",
        example="7",
    ),
    Key(
        name="trust-policy",
        kind="file",
        inside="would change verdicts",
        doc="Who may sign which images.",
        example='"policy.yaml"',
    ),
    Key(
        name="trusted-root",
        kind="file",
        inside="would change verdicts",
        doc="CAs and logs behind identities.",
        example='"root.json"',
    ),
    Key(
        name="controls",
        kind="files",
        inside="would run code",
        doc="Your own controls, Python and Rego.",
        example='["controls/"]',
    ),
    Key(
        name="store",
        kind="place",
        inside="would write",
        doc="Write the results into the cluster (kube) or a file.",
        example='"kube"',
        commands=_SCANS,
    ),
    Key(
        name="store-namespace",
        kind="text",
        inside="would write",
        doc="Where results about objects without a namespace go.",
        example='"leadline"',
        commands=_SCANS,
    ),
    Key(
        name="kube-context",
        kind="text",
        inside="would reach elsewhere",
        doc="The context of the kubeconfig.",
        example='"staging"',
    ),
    Key(
        name="kubeconfig",
        kind="file",
        inside="would reach elsewhere",
        doc="Another kubeconfig.",
        example='"kubeconfig"',
    ),
    Key(
        name="mirror",
        kind="texts",
        inside="would reach elsewhere",
        doc="Ask HOST before REGISTRY: REGISTRY=HOST.",
        example='["docker.io=mirror.example"]',
    ),
    Key(
        name="ca-file",
        kind="file",
        inside="would reach elsewhere",
        doc="Certificates of registries to trust, PEM.",
        example='"ca.pem"',
    ),
)
BY_NAME: Mapping[str, Key] = MappingProxyType({key.name: key for key in KEYS})
CHART = "chart"
CHART_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "path": "The folder of the chart, or its archive, relative to the folder of this file.",
        "values": "Files that one rendering takes; later ones win. Empty for the chart's own values alone.",
    }
)


def schema() -> dict[str, Any]:
    """The JSON Schema of ``leadline.toml``, for editors."""
    texts = {"type": "array", "items": {"type": "string"}}
    chart = {
        "type": "object",
        "description": "One rendering of a chart. Several entries with one path are renderings apart.",
        "properties": {
            name: {"type": "string", "description": doc} if name == "path" else {**texts, "description": doc}
            for name, doc in CHART_KEYS.items()
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE_NAME,
        "type": "object",
        "properties": {
            **{key.name: {"description": key.doc, **_type_of(key)} for key in KEYS},
            CHART: {"type": "array", "items": chart},
        },
        "additionalProperties": False,
    }


def _type_of(key: Key) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "string", **({"enum": list(key.choices)} if key.choices else {})}
    match key.kind:
        case "texts" | "files":
            return {"type": "array", "items": one}
        case "switch":
            return {"type": "boolean"}
        case "number":
            return {"type": "number", "minimum": 0, "maximum": 100}
        case "whole number":
            return {"type": "integer", "minimum": 0}
        case _:
            return one


def example() -> Iterator[str]:
    """The lines of a file to begin with: every key, turned off."""
    yield "# What a scan is asked for where no flag says otherwise. leadline config shows what is in force."
    yield "# In a file that comes with the code that is scanned, keys marked with * are not taken."
    for key in KEYS:
        yield ""
        yield f"# {'' if key.counts_inside else '* '}{key.doc}"
        yield f"# {key.name} = {key.example}"
    yield from ("", "# One rendering of a chart; an entry for each.", f"# [[{CHART}]]")
    yield from ('# path = "charts/shop"', '# values = ["charts/shop/values-prod.yaml"]')
