"""What scans found in the configuration of objects: results, their summaries, and the sums of namespaces."""

from typing import Annotated, Any

from msgspec import UNSET, field

from leadline.api.kind import MIB, Body, Column, Kind, at, severity_columns
from leadline.api.wire_type import List, Maybe, Members, Texts, Wire, about

CONFIGURATION_SEVERITIES = ("critical", "high", "medium", "low", "unknown")


class ControlSeverity(Wire, frozen=True):
    severity: str = ""
    score_factor: float = 0


class ControlStatus(Wire, frozen=True):
    status: str = ""
    sub_status: str = ""
    info: str = ""


class RuleStatus(Wire, frozen=True):
    status: str = ""
    sub_status: str = ""


class FailedPath(Wire, frozen=True):
    failed_path: str = ""
    fix_path: str = ""
    fix_path_value: str = ""
    fix_command: str = ""
    # Those above are texts, never null: existing clients read them so.
    action: Maybe[str] = UNSET
    on: Maybe[str] = UNSET
    what: Maybe[str] = UNSET
    value: Any = UNSET
    related: Maybe[Texts] = UNSET


class RuleResult(Wire, frozen=True):
    name: str = ""
    status: RuleStatus = RuleStatus()
    control_configurations: Annotated[dict[str, Any], about("The inputs that the check used.")] = {}
    paths: Annotated[List[FailedPath], about("Where the object fails, and what to set there.")] = None
    applied_ignore_rules: Texts = None
    related_resources_ids: Texts = field(default=None, name="relatedResourcesIDs")
    reason: Maybe[str] = UNSET
    expires: Maybe[str] = UNSET


FirstSeen = Annotated[Maybe[str], about("Since when the control has failed without a pause.")]
AcceptedIn = Annotated[
    Maybe[dict[str, str]], about("Frameworks that alone accept it, each with the exception's name.")
]


class ControlResult(Wire, frozen=True):
    control_id: str = field(default="", name="controlID")
    name: str = ""
    severity: ControlSeverity = ControlSeverity()
    status: ControlStatus = ControlStatus()
    rules: List[RuleResult] = None
    first_seen: FirstSeen = UNSET
    accepted_in: AcceptedIn = UNSET


class JudgedObject(Wire, frozen=True):
    """What was judged: an annotation of its results, since labels cannot hold every name."""

    id: str = ""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    is_derived: bool = False


class RelatedObject(Wire, frozen=True):
    namespace: str = ""
    api_group: str = ""
    api_version: str = ""
    kind: str = ""
    name: str = ""
    id: Maybe[str] = UNSET


class ConfigurationScan(Wire, frozen=True):
    """What a scan found in the configuration of one object."""

    controls: Annotated[dict[str, ControlResult], about("The result of each control, by its id.")] = {}
    related_objects: Annotated[
        List[RelatedObject], about("Other objects the results depend on, such as roles and their bindings.")
    ] = None


class WorkloadConfigurationScan(Wire, frozen=True):
    spec: ConfigurationScan = ConfigurationScan()
    status: Members = {}


class SeverityCounts(Wire, frozen=True):
    """How many controls failed, by severity."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unknown: int = 0


class ControlSummary(Wire, frozen=True):
    control_id: str = field(default="", name="controlID")
    severity: ControlSeverity = ControlSeverity()
    status: ControlStatus = ControlStatus()
    first_seen: FirstSeen = UNSET
    accepted_in: AcceptedIn = UNSET


class ConfigurationSummary(Wire, frozen=True):
    """What a scan found in the configuration of one object, without the details."""

    severities: SeverityCounts = SeverityCounts()
    controls: Annotated[dict[str, ControlSummary], about("The status of each control, by its id.")] = {}


class WorkloadConfigurationScanSummary(Wire, frozen=True):
    spec: ConfigurationSummary = ConfigurationSummary()
    status: Members = {}


class Reference(Wire, frozen=True):
    namespace: str = ""
    name: str = ""
    kind: str = ""


class NamespaceConfiguration(Wire, frozen=True):
    """The sums of all configuration scans of one namespace; computed."""

    severities: SeverityCounts = SeverityCounts()
    summary_ref: Annotated[List[Reference], about("The summaries that were added up.")] = None


class ConfigurationScanSummary(Wire, frozen=True):
    spec: NamespaceConfiguration = NamespaceConfiguration()


def _failed_controls(body: Body) -> int:
    controls = at(body, "spec", "controls")
    values = controls.values() if isinstance(controls, dict) else ()
    return sum(at(control, "status", "status") == "failed" for control in values)


def _tidy_scan(body: Body) -> None:
    """``controls`` is an object and every part of a path a text, never null."""
    _tidy_summary(body)
    for control in body["spec"]["controls"].values():
        for rule in (control or {}).get("rules") or ():
            for path in (rule or {}).get("paths") or ():
                for name in ("failedPath", "fixPath", "fixPathValue", "fixCommand") if path else ():
                    if path.get(name) is None:
                        path[name] = ""


def _tidy_summary(body: Body) -> None:
    if not isinstance(body.get("spec"), dict):
        body["spec"] = {}
    body["spec"]["controls"] = body["spec"].get("controls") or {}


_FAILED = severity_columns(CONFIGURATION_SEVERITIES, "spec.severities.{}".format, "failed controls")
_CONTROLS = "controls that were checked"
_KIND = Column("Kind", "string", "label:workload-kind", "kind of the scanned object", 1)
_SCANNED = Column("Scanned", "date", "annotation:timestamp", "how long ago it was scanned")

SCANS = Kind(
    WorkloadConfigurationScan,
    "workloadconfigurationscans",
    (
        Column("Failed", "integer", _failed_controls, "controls that failed"),
        Column("Controls", "integer", "spec.controls", _CONTROLS),
        _KIND,
        _SCANNED,
    ),
    tidy=_tidy_scan,
    max_bytes=4 * MIB,
    short_names=("wcs",),
)
SUMMARIES = Kind(
    WorkloadConfigurationScanSummary,
    "workloadconfigurationscansummaries",
    (*_FAILED, Column("Controls", "integer", "spec.controls", _CONTROLS, 1), _KIND, _SCANNED),
    tidy=_tidy_summary,
    short_names=("wcss",),
)
NAMESPACE_SUMS = Kind(
    ConfigurationScanSummary,
    "configurationscansummaries",
    (*_FAILED, Column("Objects", "integer", "spec.summaryRef", "objects that were scanned")),
    is_namespaced=False,
    is_computed=True,
    lists_whole=True,
    short_names=("css",),
)
