"""The report as JSON, written result by result.

Field names are those of the version 2 report that the ecosystem's dashboards and plugins read; added to it are
``position`` beside every path and ``coverage``. The schema is ``report_schema.json`` beside the formats;
``leadline schema report`` prints it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import IO, Any

from leadline.model.control import Control, Framework, Missing, Remove, Review, Set
from leadline.model.finding import Finding, Place, Skip
from leadline.model.report import ControlCount, PostureReport, Waived
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.allowance import ResultRoom
from leadline.outputs.documents.baseline import baseline_facts
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.counters import Counters, category_of, resource_counters, skip_info, status_info
from leadline.outputs.rows.place import FindingPlaces, file_of
from leadline.outputs.rows.summary import controls_that_judged
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.waiver_text import change_facts, exception_facts, waiver_facts

_MOST_KEPT = 256
_LONGEST_RELATED = 1 << 16
_SCANNING_TARGETS = {"cluster": 0, "file": 1, "stdin": 1, "git": 2, "directory": 4}


@format("json", suffix=".json")
def json(report: PostureReport, out: IO[str], page: Page) -> None:
    places = FindingPlaces(report, page.places)
    counters = Counters(report, places.body)
    head = {
        "generationTime": page.at,
        "clusterAPIServerInfo": _server(report),
        "clusterCloudProvider": report.target.cloud,
        "customerGUID": "",
        "clusterName": _cluster_name(report),
        "reportGUID": "",
        **change_facts(report),
        "summaryDetails": _summary(report, counters, places),
        "metadata": _metadata(report, page),
        "coverage": _coverage(report),
        "attributes": None,
        **baseline_facts(report),
    }
    out.write(json_text(head)[:-1])
    ordered = sorted(
        zip(report.resources, report.judged, strict=True), key=lambda pair: (pair[0].id, pair[0].origin.path)
    )
    objects = _Objects(report, places)
    _write_list(out, "resources", ordered, lambda pair: json_text(objects.resource(pair[0])))
    # Readers look up each object here, and some stop at one that is missing: DefectDojo's, VS Code's.
    results = _Results(report, places, page.most)
    _write_list(out, "results", ordered, results.text)
    if left_out := results.room.left_out():
        out.write(f',"leftOutOfReport":{json_text(left_out)}')
    out.write("}\n")


def _write_list(
    out: IO[str],
    name: str,
    pairs: Iterable[tuple[Resource, tuple[str, ...]]],
    text: Callable[[tuple[Resource, tuple[str, ...]]], str],
) -> None:
    out.write(f',"{name}":[')
    separator = ""
    for pair in pairs:
        out.write(separator + text(pair))
        separator = ","
    out.write("]")


class _Results:
    """Turns one resource at a time into text. What its control says of itself is written once per control."""

    def __init__(self, report: PostureReport, places: FindingPlaces, most: int) -> None:
        self._places = places
        self.room = ResultRoom(most)
        self._controls = report.controls_by_id
        self._settings = report.settings
        self._parts = report.parts_of
        self._gave_up = report.gave_up
        self._passed_by = report.passed_by
        self._rank = {control.id: i for i, control in enumerate(report.controls)}
        self._entries: dict[tuple[str, str, bool], str] = {}
        self._passes: dict[str, str] = {}
        self._holders: dict[str, _Holder] = {}
        self._findings: dict[str, dict[str, list[Finding]]] = {}
        for finding in report.findings:
            self._findings.setdefault(finding.resource, {}).setdefault(finding.control, []).append(finding)
        self._waivers = report.waivers
        self._waived: dict[str, dict[str, list[Waived]]] = {}
        for one in report.waived:
            self._waived.setdefault(one.finding.resource, {}).setdefault(one.finding.control, []).append(one)

    def text(self, pair: tuple[Resource, tuple[str, ...]]) -> str:
        resource, judged = pair
        self._holders.clear()
        failed = self._findings.get(resource.id, {})
        skipped = {skip.control: skip for skip in self._gave_up.get(resource.id, ())}
        accepted = self._waived.get(resource.id, {})
        passed_by = dict(self._passed_by.get(resource.id, ()))
        named = {*judged, *failed, *skipped}
        every = judged if len(named) == len(judged) else tuple(sorted(named, key=self._rank.__getitem__))
        special = {*failed, *skipped, *(i for i in every if i in accepted)}
        passes, entries = self._passes, []
        for i in self.room.affordable(every, failed, special):
            if i in special or i in passed_by or i not in passes:
                entries.append(
                    self._failure(resource.id, i, failed[i])
                    if i in failed
                    else self._skip(skipped[i])
                    if i in skipped
                    else self._accepted(i, accepted[i])
                    if i in accepted
                    else self._pass(i, passed_by.get(i, ()))
                )
            else:
                entries.append(passes[i])
        text = ",".join(entries)
        self.room.passed.spend(len(text))
        return f'{{"resourceID":{json_text(resource.id)},"controls":[{text}]}}'

    def _pass(self, control_id: str, others: tuple[str, ...]) -> str:
        text = self._entry(control_id, "passed")
        if others:
            return f'{text},"relatedResourcesIDs":{json_text(sorted(others))}}}]}}'
        text = self._passes[control_id] = text + "}]}"
        return text

    def _skip(self, skip: Skip) -> str:
        control, info = self._controls[skip.control], skip_info(skip)
        return json_text(self._written(control, info, self._rule(control, "skipped", info["subStatus"])))

    def _failure(self, resource_id: str, control_id: str, findings: list[Finding]) -> str:
        room = self.room.paths
        texts: list[str] = []
        related: set[str] = set()
        for finding in findings:
            on = finding.on
            related.add(on)
            if finding.related:
                related.update(finding.related)
            if room.is_spent:
                room.left_out += 1
                continue
            text = self._path(finding, on)
            room.spend(len(text))
            texts.append(text)
        related.discard(resource_id)
        paths = ",".join(texts)
        text = f'{self._entry(control_id, "failed", counts=findings[0])},"paths":[{paths}]'
        if related:
            text = f'{text},"relatedResourcesIDs":{json_text(sorted(related))}'
        self.room.failed.spend(len(text) - len(paths))
        return text + "}]}"

    def _accepted(self, control_id: str, waived: list[Waived]) -> str:
        """Passed by an exception, as dashboards know it."""
        paths = ",".join([self._path(one.finding, one.finding.on) for one in waived])
        waivers = [self._waivers[place].waiver for place in dict.fromkeys(one.waiver for one in waived)]
        exceptions = json_text([exception_facts(waiver) for waiver in waivers])
        entry = self._entry(control_id, "passed", _BY_EXCEPTION, waived[0].finding)
        return f'{entry},"paths":[{paths}],"exception":{exceptions}}}]}}'

    def _entry(self, control_id: str, status: str, beside: str = "", counts: Finding | None = None) -> str:
        """The text of a control's entry up to where its one rule could continue; ``}]}`` ends it.

        ``counts`` is what its severity is for.
        """
        key = (control_id, status + beside, counts is not None and counts.is_namespaced)
        text = self._entries.get(key)
        if text is None:
            control = self._controls[control_id] if counts is None else counts.control_of(self._controls)
            entry = self._written(
                control,
                {"status": status} | ({"subStatus": beside} if beside else {}),
                self._rule(control, status, beside),
            )
            text = self._entries[key] = json_text(entry).removesuffix("}]}")
        return text

    def _written(self, control: Control, status: dict[str, str], rule: dict[str, Any]) -> dict[str, Any]:
        return {
            "controlID": control.id,
            "name": control.title,
            "severity": control.severity.capitalize(),
            "status": status,
            "rules": [rule],
        }

    def _rule(self, control: Control, status: str, sub_status: str = "") -> dict[str, Any]:
        rule: dict[str, Any] = {"name": control.name, "status": status, "subStatus": sub_status}
        if control.settings:
            rule["controlConfigurations"] = {
                _setting_name(name): list(self._settings.get(name, shipped))
                for name, shipped in control.settings.items()
            }
        return rule

    def _path(self, finding: Finding, on: str) -> str:
        holder = self._holders.get(on)
        if holder is None:
            holder = self._holders[on] = _Holder(self._places.holder(finding))
        path, parts = finding.path, self._parts.get(finding.resource, ())
        if holder.id in parts:
            # A subject's object holds its binding and role, and paths into them start at the subject.
            shown = f"relatedObjects[{parts.index(holder.id)}].{path}"
            text = f'{{"resourceID":{json_text(finding.resource)},{_cure_text(finding, shown)}'
        else:
            text = f"{holder.text}{_cure_text(finding, path)}"
        end = holder.ends.get(path)
        if end is None:
            end = holder.ends[path] = holder.end(self._places.find(finding))
        return text + end


class _Holder:
    """An object that paths start from, with what is written of it again and again."""

    __slots__ = ("_file", "ends", "id", "text")

    def __init__(self, resource: Resource) -> None:
        self.id = resource.id
        self.text = f'{{"resourceID":{json_text(resource.id)},'
        self._file = json_text(file_of(resource))
        self.ends: dict[str, str] = {}
        """For paths: their places, and what ends the text."""

    def end(self, place: Place | None) -> str:
        if place is None:
            return "}"
        position = f'"line":{place.line},"column":{place.column},"exact":{"true" if place.exact else "false"}'
        if place.steered_by:
            position += f',"steeredBy":{json_text(place.steered_by)}'
        return f',"position":{{"path":{self._file},{position}}}}}'


_BY_EXCEPTION = "w/exceptions"
_NO_FIX: Mapping[str, Any] = {"fixPath": {"path": "", "value": ""}}


def _cure_text(finding: Finding, path: str) -> str:
    """The members of a path's object that say what to do: ``"failedPath":"…","deletePath":"…","fixPath":{…}``."""
    violation = finding.violation
    match violation:
        case Remove():
            return _removed_text(path)
        case Set(value=value):
            return (
                _set_text(path, value) if isinstance(value, str | bool | int) else _written_text(path, value)
            )
        case Review(advice=advice):
            return _reviewed_text(path, advice)
        case Missing(what=what):
            return json_text({"failedPath": "", "missing": what, **_NO_FIX})[1:-1]


# The same few hundred come up on every workload.


@lru_cache(maxsize=4096)
def _removed_text(path: str) -> str:
    return json_text({"failedPath": path, "deletePath": path, **_NO_FIX})[1:-1]


@lru_cache(maxsize=4096)
def _reviewed_text(path: str, advice: str) -> str:
    advised = {"advice": advice} if advice else {}
    return json_text({"failedPath": path, "reviewPath": path, **advised, **_NO_FIX})[1:-1]


@lru_cache(maxsize=4096, typed=True)
def _set_text(path: str, value: str | int) -> str:
    return _written_text(path, value)


def _written_text(path: str, value: Any) -> str:
    return json_text({"fixPath": {"path": path, "value": _scalar_text(value)}})[1:-1]


def _scalar_text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


class _Objects:
    """The objects as the report shows them; those of RBAC subjects hold their binding and their role."""

    def __init__(self, report: PostureReport, places: FindingPlaces) -> None:
        self._report = report
        self._places = places
        self._commit = _commit(report)
        self._related = lru_cache(maxsize=_MOST_KEPT)(self._related_object)

    def resource(self, resource: Resource) -> dict[str, Any]:
        body, origin = self._body(resource), resource.origin
        if origin.kind == "derived":
            # Readers make the id of these again, so what the API server would fill in is here.
            filled = {"apiGroup": resource.api_version, "namespace": resource.namespace}
            related = [self._related(id) for id in self._report.parts_of.get(resource.id, ())]
            subject = {**body, **{k: v for k, v in filled.items() if v}, "relatedObjects": related}
            return {"resourceID": resource.id, "object": subject}
        if origin.kind == "cluster":
            return {"resourceID": resource.id, "object": body}
        kinds = {"helm": "Helm Chart", "kustomize": "Kustomize Directory"}
        source = {
            "path": origin.root,
            "relativePath": origin.path,
            "fileType": kinds.get(origin.kind) or ("JSON" if origin.path.endswith(".json") else "YAML"),
            "lastCommit": self._commit,
        }
        if origin.rendered_from:
            source["helmPath" if origin.kind == "helm" else "kustomizeDirectoryName"] = origin.rendered_from
        if origin.values:
            source["helmValues"] = list(origin.values)
        return {"resourceID": resource.id, "object": body, "source": source}

    def _body(self, resource: Resource) -> dict[str, Any]:
        body, origin = dict(self._places.body(resource)), resource.origin
        if origin.kind not in ("cluster", "derived"):
            body["sourcePath"] = origin.path if origin.kind == "helm" else f"{origin.path}:{origin.document}"
        return body

    def _related_object(self, id: str) -> dict[str, Any]:
        """Of a huge role, which thousands may hold, and of one that Kubernetes brings, the name alone."""
        resource = self._report.by_id.get(id)
        body = {} if resource is None else self._body(resource)
        if body and len(json_text(body)) <= _LONGEST_RELATED:
            return body
        parts = ["", "", *id.rsplit("/", 3)][-4:]
        if resource is not None:
            parts = [resource.api_version, resource.namespace, resource.kind, resource.name]
        metadata = {"name": parts[3], **({"namespace": parts[1]} if parts[1] else {})}
        return {"apiVersion": parts[0], "kind": parts[2], "metadata": metadata}


def _commit(report: PostureReport) -> dict[str, str]:
    """That which was scanned; the day on which the reference's language begins where there is none."""
    target = report.target
    if not target.commit:
        return {"date": "0001-01-01T00:00:00Z"}
    return {"hash": target.commit, "date": target.committed_at or "0001-01-01T00:00:00Z"}


def _setting_name(name: str) -> str:
    """As files of settings write it: ``insecureCapabilities``, but ``cpu_limit_max``."""
    if name.startswith("max_") or name.endswith(("_max", "_min")):
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _summary(report: PostureReport, counters: Counters, places: FindingPlaces) -> dict[str, Any]:
    accepted = {one.finding.control for one in report.waived}
    controls = {row.control.id: _control(row, counters, accepted) for row in _rows(report)}
    return {
        "controls": controls,
        "status": counters.status(),
        "frameworks": [_framework(report, f, controls, counters, places) for f in report.frameworks],
        "resourcesSeverityCounters": counters.pairs_by_severity(),
        "controlsSeverityCounters": counters.controls_by_severity(),
        "ResourceCounters": counters.resources(),
        "vulnerabilities": {"mapsSeverityToSummary": {}, "CVEs": [], "packageScores": {}, "images": []},
        "score": _rounded(counters.risk()),
        "complianceScore": _rounded(report.compliance() or 0.0),
    }


def _rows(report: PostureReport) -> list[ControlCount]:
    return sorted(report.by_control, key=lambda row: row.control.id)


def _control(row: ControlCount, counters: Counters, accepted: Collection[str]) -> dict[str, Any]:
    control = row.control
    info = status_info(row)
    if row.status == "passed" and control.id in accepted:
        info = {**info, "subStatus": _BY_EXCEPTION}
    return {
        "statusInfo": info,
        "controlID": control.id,
        "name": control.title,
        "status": info["status"],
        "resourceIDs": {},
        "ResourceCounters": resource_counters(row.passed, row.failed, counters.skipped[control.id]),
        "subStatusCounters": {"ignoredResources": 0},
        "score": _rounded(counters.risk([control.id])),
        "complianceScore": _rounded(row.compliance or 0.0),
        "scoreFactor": row.counts.score,
        "referenceScore": control.score if control.reference_score is None else control.reference_score,
        "category": category_of(control),
        "severity": row.counts.severity.capitalize(),
    }


def _framework(
    report: PostureReport,
    framework: Framework,
    controls: Mapping[str, dict[str, Any]],
    counters: Counters,
    places: FindingPlaces,
) -> dict[str, Any]:
    seen = report.seen_by(framework)
    if seen is not report:
        counters = Counters(seen, places.body)
        accepted = {one.finding.control for one in seen.waived}
        controls = {row.control.id: _control(row, counters, accepted) for row in _rows(seen)}
    ids = [control_id for control_id in framework.control_ids if control_id in controls]
    without_severity = {
        control_id: {k: v for k, v in controls[control_id].items() if k != "severity"}
        for control_id in sorted(ids)
    }
    return {
        "controls": without_severity,
        "name": framework.name,
        "status": counters.status(ids),
        "version": framework.version,
        "ResourceCounters": counters.resources(ids),
        "score": _rounded(counters.risk(ids)),
        "complianceScore": _rounded(report.compliance(framework) or 0.0),
    }


def _rounded(score: float) -> float:
    """Two decimals; 100 only for what is whole."""
    return min(round(score, 2), 99.99) if score < 100 else 100.0


def _coverage(report: PostureReport) -> dict[str, Any]:
    rows = _rows(report)
    skipped = [{"id": r.control.id, "why": status_info(r)["info"]} for r in rows if r.status == "skipped"]
    return {
        "objects": report.objects,
        "judged": report.objects_judged,
        "notKubernetes": report.not_kubernetes,
        "files": report.files,
        "unread": [_unread(unread) for unread in report.unread],
        **({"leftOut": [_unread(part) for part in report.left_out]} if report.left_out else {}),
        **({"rendering": report.rendering} if report.rendering else {}),
        **({"renderers": list(report.renderers)} if report.renderers else {}),
        **({"waivers": waiver_facts(report.waivers)} if report.waivers else {}),
        "controls": {
            "evaluated": controls_that_judged(report),
            "notBuilt": sum(1 for row in rows if not row.control.is_built),
            "skipped": skipped,
            "undecided": [
                {"id": one.control, "why": one.why, "resourceIDs": list(one.resources)}
                for one in report.undecided
            ],
        },
    }


def _unread(unread: Unread) -> dict[str, Any]:
    return {
        "where": unread.where,
        "line": unread.line,
        "column": unread.column,
        "why": unread.why,
        "hint": unread.hint,
    }


def _server(report: PostureReport) -> dict[str, str] | None:
    version = report.target.server_version
    if not version:
        return None
    major, _, rest = version.removeprefix("v").partition(".")
    return {"major": major, "minor": rest.partition(".")[0], "gitVersion": version}


def _cluster_name(report: PostureReport) -> str:
    if report.target.kind != "cluster":
        return ""

    return re.sub(r"\W+", "-", report.target.name)


def _metadata(report: PostureReport, page: Page) -> dict[str, Any]:
    target, asked = report.target, page.asked
    contexts: dict[str, dict[str, Any]] = {
        "cluster": {"clusterContextMetadata": {"contextName": target.name, "cloudProvider": target.cloud}},
        "file": {"fileContextMetadata": {"filePath": target.name, "hostName": ""}},
        "stdin": {"fileContextMetadata": {"filePath": "-", "hostName": ""}},
        "directory": {"directoryContextMetadata": {"basePath": target.root or target.name, "hostName": ""}},
        "git": {
            "gitRepoContextMetadata": {
                "remoteURL": target.name,
                "branch": target.branch,
                "lastCommit": _commit(report),
                "localRootPath": target.root,
            }
        },
    }
    scan = {
        "targetType": asked.by,
        "formatVersion": "v2",
        "formats": list(asked.formats),
        "targetNames": list(asked.names),
        "includeNamespaces": list(asked.include_namespaces),
        "excludedNamespaces": list(asked.exclude_namespaces),
        "complianceThreshold": asked.compliance_threshold,
        "severityThreshold": asked.severity_threshold,
        "verboseMode": page.verbose,
        "controlSettings": {_setting_name(n): list(values) for n, values in sorted(report.settings.items())},
    }
    return {
        "targetMetadata": contexts[target.kind],
        "clusterMetadata": {},
        "scanMetadata": {
            **{key: value for key, value in scan.items() if value},
            "scanningTarget": _SCANNING_TARGETS[target.kind],
            "leadlineVersion": page.version,
            "durationSeconds": round(report.seconds, 3),
        },
    }
