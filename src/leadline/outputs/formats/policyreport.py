"""Findings as PolicyReport objects, which dashboards of policy engines show: one for each namespace, one for the cluster.

Source: https://github.com/kubernetes-sigs/wg-policy-prototypes (policy-report, wgpolicyk8s.io/v1alpha2)
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from leadline.model.control import SEVERITIES, Control
from leadline.model.finding import Finding
from leadline.model.report import PostureReport, Waived
from leadline.model.resource import Resource
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.place import FindingPlaces, place_text
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

MOST = 500
"""Results of one object: etcd takes 1.5 MB."""
_MOST_PARTS = 1_000
"""Of what was not read, and of what was left out."""
_LONGEST_NAME = 63


@format("policyreport", suffix=".policyreport.yaml", with_scores=False)
def policyreport(report: PostureReport, out: IO[str], page: Page) -> None:
    """Each document is JSON on one line, which is YAML as well."""
    results = _Results(report, page)
    namespaces = {resource.namespace for resource in report.resources}
    # What is about no namespace is shown although no object of the cluster itself was read.
    if (
        not namespaces
        or report.unread
        or report.left_out
        or report.change
        or any(odd_waivers(report.waivers))
    ):
        namespaces.add("")
    for namespace in sorted(namespaces):
        found = results.of(namespace)
        for number, start in enumerate(range(0, max(1, len(found)), MOST), 1):
            part = found[start : start + MOST]
            name = "leadline" if number == 1 else f"leadline-{number}"
            summary = results.summary(namespace, part, is_first=number == 1)
            out.write("---\n" + json_text(_object(namespace, name, part, summary, report)) + "\n")


class _Results:
    def __init__(self, report: PostureReport, page: Page) -> None:
        self._report = report
        self._places = FindingPlaces(report, page.places)
        self._controls = report.controls_by_id
        self._seconds = int(datetime.fromisoformat(page.at.replace("Z", "+00:00")).timestamp())
        wanted = SEVERITIES[: SEVERITIES.index(page.least) + 1]
        self._failed: dict[str, dict[tuple[str, str], list[Finding]]] = {}
        for finding in report.findings:
            if finding.control_of(self._controls).severity in wanted:
                of = self._failed.setdefault(report.resource(finding.resource).namespace, {})
                of.setdefault((finding.control, finding.resource), []).append(finding)
        self._judged: Counter[str] = Counter()
        for resource, ids in zip(report.resources, report.judged, strict=True):
            self._judged[resource.namespace] += len(ids)
        self._waived: dict[str, list[Waived]] = {}
        for one in report.waived:
            self._waived.setdefault(report.resource(one.finding.resource).namespace, []).append(one)
        self._undecided: dict[str, list[tuple[str, str, str]]] = {}
        for part in report.undecided:
            for id in part.resources:
                of_one = self._undecided.setdefault(report.resource(id).namespace, [])
                of_one.append((part.control, id, part.why))

    def of(self, namespace: str) -> list[dict[str, Any]]:
        """Failures, then what is accepted and what could not be decided; what was passed over without a namespace."""
        report = self._report
        found = [
            self._result(
                findings[0].control_of(self._controls),
                id,
                "fail",
                "; ".join(dict.fromkeys(map(fix, findings))),
                self._spot(findings[0]),
            )
            for (_, id), findings in self._failed.get(namespace, {}).items()
        ]
        for one in self._waived.get(namespace, ()):
            why = f"accepted: {why_accepted(report.waivers[one.waiver].waiver)}"
            spot = self._spot(one.finding)
            control = one.finding.control_of(self._controls)
            found.append(self._result(control, one.finding.resource, "skip", why, spot))
        for control_id, id, why in self._undecided.get(namespace, ()):
            found.append(self._result(self._controls[control_id], id, "skip", why, ""))
        return found if namespace else [*self._change(), *found, *self._passed_over()]

    def summary(self, namespace: str, part: list[dict[str, Any]], *, is_first: bool) -> dict[str, int]:
        """Of the results in one object; passes, which are not results, are counted in the first of a namespace."""
        numbers = {
            state: sum(1 for one in part if one["result"] == state) for state in ("fail", "skip", "error")
        }
        passed = max(0, self._judged[namespace] - len(self._failed.get(namespace, ())))
        return {"pass": passed if is_first else 0, "warn": 0, **numbers}

    def _change(self) -> Iterator[dict[str, Any]]:
        for line in change_lines(self._report):
            yield self._base("accepted-by-this-change", "skip", plain(line, 1_000)) | {"severity": "info"}

    def _passed_over(self) -> Iterator[dict[str, Any]]:
        for sort in passed_over(self._report, _MOST_PARTS):
            policy, state = ("left-out", "skip") if sort.is_choice else ("unread", "error")
            for line in (*(f"{part.where}: {part.why}" for part in sort.parts), sort.rest):
                if line:
                    yield self._base(policy, state, plain(line, 1_000)) | {"severity": "info"}

    def _result(self, control: Control, id: str, state: str, message: str, spot: str) -> dict[str, Any]:
        resource = self._report.resource(id)
        entry = self._base(plain(control.id), state, plain(message, 1_000))
        entry |= {"rule": plain(control.name or control.id), "category": plain(control.category)}
        entry |= {"severity": _severity(control), "resources": [_reference(resource)]}
        return {**entry, "properties": {"place": spot, "title": plain(control.title)}} if spot else entry

    def _base(self, policy: str, state: str, message: str) -> dict[str, Any]:
        moment = {"seconds": self._seconds, "nanos": 0}
        return {
            "source": "leadline",
            "policy": policy,
            "result": state,
            "message": message,
            "timestamp": moment,
        }

    def _spot(self, finding: Finding) -> str:
        return place_text(self._places.holder(finding), self._places.find(finding))


def _object(
    namespace: str, name: str, results: list[dict[str, Any]], summary: dict[str, int], report: PostureReport
) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "leadline"}
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if namespace:
        metadata["namespace"] = plain(namespace, _LONGEST_NAME)
    elif remarks := "; ".join(odd_waivers(report.waivers)):
        metadata["annotations"] = {"leadline/waivers": plain(remarks, 1_000)}
    return {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport" if namespace else "ClusterPolicyReport",
        "metadata": metadata,
        "results": results,
        "summary": summary,
    }


def _reference(resource: Resource) -> dict[str, str]:
    named = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": resource.name,
        "namespace": resource.namespace,
    }
    return {key: plain(value) for key, value in named.items() if value}


def _severity(control: Control) -> str:
    return "info" if control.severity == "unknown" else control.severity
