"""The numbers of the JSON report that its readers know: resource counters, severity counters, risk score."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leadline.model.control import Control, Severity
from leadline.model.finding import Skip
from leadline.model.report import ControlCount, PostureReport, Status
from leadline.model.resource import Resource

_SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class Counters:
    """Everything that is counted over the pairs of control and object of one report."""

    def __init__(self, report: PostureReport, body: Callable[[Resource], dict[str, Any]]) -> None:
        """``body`` gives that of an object of the report, as it may be shown."""
        self._report = report
        self._rows = {row.control.id: row for row in report.by_control}
        self._failed: dict[str, set[str]] = {}
        for finding in report.findings:
            self._failed.setdefault(finding.resource, set()).add(finding.control)
        self._all_weight: dict[str, float] = dict.fromkeys(self._rows, 0.0)
        self._failed_weight: dict[str, float] = dict.fromkeys(self._rows, 0.0)
        all_weight = self._all_weight
        for resource, ids in zip(report.resources, report.judged, strict=True):
            weight = weight_of(body(resource))
            for control_id in ids:
                all_weight[control_id] += weight
            for control_id in self._failed.get(resource.id, ()):
                self._failed_weight[control_id] += weight
        self.skipped = Counter(skip.control for skips in report.gave_up.values() for skip in skips)
        """For each control, the objects that it could not judge."""

    def resources(self, controls: Iterable[str] | None = None) -> dict[str, int]:
        """Objects that fail, pass or were skipped, each once, over some controls or all."""
        wanted = None if controls is None else set(controls)
        passed = failed = skipped = 0
        for resource, ids in zip(self._report.resources, self._report.judged, strict=True):
            faults = self._failed.get(resource.id, set())
            if faults if wanted is None else faults & wanted:
                failed += 1
            elif ids if wanted is None else wanted.intersection(ids):
                passed += 1
            elif any(
                wanted is None or skip.control in wanted for skip in self._report.gave_up.get(resource.id, ())
            ):
                skipped += 1
        return resource_counters(passed, failed, skipped)

    def controls_by_severity(self) -> dict[str, int]:
        failed = [row.counts.severity for row in self._rows.values() if row.failed]
        return {f"{severity}Severity": failed.count(severity) for severity in _SEVERITIES}

    def pairs_by_severity(self) -> dict[str, int]:
        pairs = self._report.severities()
        return {f"{severity}Severity": pairs[severity] for severity in _SEVERITIES}

    def status(self, controls: Iterable[str] | None = None) -> Status:
        """Failed beats passed beats skipped."""
        ids = self._rows if controls is None else controls
        states = {self._rows[control_id].status for control_id in ids if control_id in self._rows}
        return "failed" if "failed" in states else "passed" if "passed" in states else "skipped"

    def risk(self, controls: Iterable[str] | None = None) -> float:
        """0 (best) to 100: the weight of what fails by the weight of what was judged, times each control's score."""
        ids = [c for c in (self._rows if controls is None else controls) if c in self._rows]
        worst = sum(self._rows[c].control.score * self._all_weight[c] for c in ids)
        found = sum(self._rows[c].control.score * self._failed_weight[c] for c in ids)
        return 100 * found / worst if worst else 0.0


def resource_counters(passed: int, failed: int, skipped: int) -> dict[str, int]:
    return {
        "passedResources": passed,
        "failedResources": failed,
        "skippedResources": skipped,
        "excludedResources": 0,
    }


def weight_of(body: Mapping[str, Any]) -> float:
    """1; a workload with several replicas counts 1.1 times their number."""
    spec = body.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, dict) else None
    return replicas * 1.1 if type(replicas) is int and 1 < replicas < 1_000_000 else 1.0


def status_info(row: ControlCount) -> dict[str, str]:
    """``{"status": "skipped", "subStatus": "configuration", "info": …}``."""
    if row.status != "skipped":
        return {"status": row.status}
    return skip_info(row.skip or Skip(row.control.id, "no object of the kinds that it judges"))


def skip_info(skip: Skip) -> dict[str, str]:
    return {"status": "skipped", "subStatus": _SUB_STATUS[skip.kind], "info": skip.why}


_SUB_STATUS: Mapping[str, str] = {
    "no objects": "irrelevant",
    "settings": "configuration",
    "manual": "manual review",
    "not built": "notEvaluated",
    "not applicable": "irrelevant",
    "no facts": "notEvaluated",
    "not read": "notEvaluated",
}

_CATEGORY_IDS: Mapping[str, str] = {
    "Control plane": "Cat-1",
    "Access control": "Cat-2",
    "Secrets": "Cat-3",
    "Network": "Cat-4",
    "Workload": "Cat-5",
    "Supply chain": "Cat-6",
    "Resource management": "Cat-7",
    "Storage": "Cat-8",
    "Node escape": "Cat-9",
}


def category_of(control: Control) -> dict[str, Any]:
    name, _, inner = (part.strip() for part in control.category.partition("/"))
    category: dict[str, Any] = {"name": name, "id": _CATEGORY_IDS.get(name, "")}
    if inner:
        category["subCategory"] = {"name": inner, "id": _CATEGORY_IDS.get(inner, "")}
    return category
