"""Reports as Kubescape's CLI sends them to its provider: chunks of JSON, written and read. No body of an object is among ours.

Field names are those of its version 2 report (``POST /k8s/v2/postureReport``), as it was recorded from version 4.0.10.
"""

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Meta, Struct

from leadline.api.provider.wire import (
    LONG,
    MOST_FINDINGS,
    SHORT,
    Coverage,
    FoundFinding,
    Measured,
    Severity,
    WholeReport,
)
from leadline.errors import UsageError
from leadline.model.control import severity_of
from leadline.outputs.text.plain import plain
from leadline.posture.catalogue import load_controls
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.submitting.sending import (
    Call,
    Destination,
    Exchange,
    NotDeliveredError,
    answered,
    refusal,
    write_request,
)
from leadline.scans.submitting.submission import mark_of, shown_file

CHUNK_BYTES = 2 << 20
"""Of one request, about. Objects and results count; the head is repeated in each."""
_SCORES: dict[Severity, float] = {"critical": 9.0, "high": 7.0, "medium": 5.0, "low": 2.0, "unknown": 0.0}
_JUDGED = frozenset({"passed", "failed"})
_ACCEPTED = "w/exceptions"
_MOST_CHUNKS = 1_000
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z")


def account_of(provider: str, source: str, tenant: str = "") -> str:
    """The UUID that names a source of that provider where accounts do; others may know it. ``tenant``: empty for the default one."""
    if tenant:
        # No name of a source has a slash.
        source = f"{tenant}/{source}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{provider}/{source}"))


def framework_documents(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Our frameworks by name, with those of their controls of which ``rules`` has the document: by id, as that CLI runs it."""
    found = {}
    for framework in load_frameworks(load_controls()):
        controls = [rules[id] for id in dict.fromkeys(framework.control_ids) if id in rules]
        if controls:
            found[framework.name.lower()] = {
                "guid": "",
                "name": framework.name,
                "description": framework.title,
                "attributes": {},
                "controls": controls,
            }
    return found


# What is sent.


def compat_chunks(
    report: WholeReport, account: str, report_id: str, cluster: str, limit: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """The bodies of the requests, in order: of each object its kind and name, and of its controls those that fail."""
    head = {
        "generationTime": report.measured.at,
        "clusterAPIServerInfo": None,
        "clusterCloudProvider": "",
        "customerGUID": account,
        "clusterName": cluster,
        "reportGUID": report_id,
        "jobID": "",
        "attributes": None,
        "summaryDetails": _summary(report),
        "metadata": {},
        "customerGUIDGenerated": False,
        "triggeredByCLI": True,
    }
    parts: list[dict[str, list[Any]]] = [{}]
    size = 0
    for name, item in _items(report):
        weight = len(msgspec.json.encode(item)) + 1
        if size + weight > limit and parts[-1]:
            parts.append({})
            size = 0
        parts[-1].setdefault(name, []).append(item)
        size += weight
    for number, part in enumerate(parts):
        page = {"chunkNumber": number, "isLastChunk": number == len(parts) - 1}
        yield msgspec.json.encode({**head, **part, "paginationInfo": page})


def _items(report: WholeReport) -> Iterator[tuple[str, Any]]:
    by_object: dict[str, list[FoundFinding]] = {}
    for one in report.findings:
        by_object.setdefault(_object_id(one), []).append(one)
    for id, findings in sorted(by_object.items()):
        one = findings[0]
        metadata = {"name": one.name, **({"namespace": one.namespace} if one.namespace else {})}
        version = f"{one.group}/v1" if one.group else "v1"
        source = {"relativePath": one.file} if one.file else None
        body = {"apiVersion": version, "kind": one.kind, "metadata": metadata}
        yield "resources", {"resourceID": id, "object": body, "source": source}
    for id, findings in sorted(by_object.items()):
        yield "results", {"resourceID": id, "controls": [_result(one) for one in findings]}


def _object_id(one: FoundFinding) -> str:
    place = f"path={one.file}/" if one.file else ""
    return f"{place}api={one.group or ''}/v1/{one.namespace}/{one.kind}/{one.name}"


def _result(one: FoundFinding) -> dict[str, Any]:
    status = {"status": "passed", "subStatus": _ACCEPTED} if one.accepted else {"status": "failed"}
    paths = [{"failedPath": one.path}] if one.path else []
    rule = {"name": one.control, "status": status["status"], "paths": paths}
    return {"controlID": one.control, "name": one.control, "status": status, "rules": [rule]}


def _summary(report: WholeReport) -> dict[str, Any]:
    failed = Counter(one.control for one in report.findings if not one.accepted)
    # The report has one score for each control: findings of one may differ, and the gravest counts.
    scores: dict[str, float] = {}
    for one in report.findings:
        scores[one.control] = max(scores.get(one.control, 0.0), _SCORES[one.severity])
    controls = {
        id: {
            "controlID": id,
            "name": id,
            "status": "failed" if failed[id] else "passed",
            "statusInfo": {"status": "failed" if failed[id] else "passed"},
            "scoreFactor": scores.get(id, 0.0),
            "ResourceCounters": {"failedResources": failed[id]},
        }
        for id in report.controls
    }
    return {
        "controls": controls,
        "status": "failed" if failed else "passed",
        "frameworks": [],
        "ResourceCounters": {"failedResources": len({_object_id(one) for one in report.findings})},
    }


def compat_calls(place: Destination, report: WholeReport, report_id: str, token: str) -> Iterator[Call]:
    """The requests. ``place.source`` is the account."""
    # Of a cluster the name; a folder has none there.
    scope = report.measured.scope
    cluster = scope.removeprefix("cluster ").partition(",")[0] if scope.startswith("cluster ") else ""
    query = {
        "clusterName": cluster,
        "contextName": cluster,
        "customerGUID": place.source,
        "reportGUID": report_id,
    }
    headers = {"Content-Type": "application/json", "X-API-KEY": token}
    url = f"{place.base}/k8s/v2/postureReport?{urlencode(query)}"
    for body in compat_chunks(report, place.source, report_id, cluster):
        yield Call("POST", url, headers, body)


def send_calls(place: Destination, calls: Iterable[Call], exchange: Exchange) -> str:
    """What the provider says at the end, in its own words. Raises: ``NotDeliveredError``."""
    _check_receiver(place, exchange)
    said = ""
    for call in calls:
        answer = _answer(place, exchange, call)
        try:
            said = msgspec.json.decode(answer, type=_Said).message
        except (msgspec.MsgspecError, UnicodeDecodeError):
            said = ""
    return said


def _check_receiver(place: Destination, exchange: Exchange) -> None:
    """The provider says where reports go: nowhere else than the user named. Raises: ``NotDeliveredError``."""
    content = _answer(place, exchange, Call("GET", f"{place.base}/api/v2/servicediscovery", {}))
    try:
        receiver = msgspec.json.decode(content, type=_Discovery).response.receiver
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotDeliveredError(f"{place.host} does not answer as a provider of that CLI does") from error
    if urlsplit(receiver)[:2] != urlsplit(place.base)[:2]:
        raise NotDeliveredError(
            f"{place.host} wants reports sent to {plain(urlsplit(receiver).netloc or receiver, 200)}",
            hint="name that address where you trust it",
        )


def _answer(place: Destination, exchange: Exchange, call: Call) -> bytes:
    """Raises: ``NotDeliveredError``."""
    answer = answered(place, exchange, call)
    if answer.status == 200:
        return answer.body
    try:
        said = msgspec.json.decode(answer.body, type=_Said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = _Said()
    # A provider of that CLI says it in ``message``, ours beyond that door in ``title``.
    raise refusal(place, answer.status, said.message or said.title, said.detail)


def write_calls(folder: Path, calls: Iterable[Call]) -> None:
    """Each request as ``request-N.txt``, and its exact bytes as ``body-N.json``. Raises: ``OSError``."""
    for number, call in enumerate(calls):
        write_request(folder, call, {f"body-{number}.json": call.body}, f"request-{number}.txt")


class _Said(Struct, frozen=True):
    message: str = ""
    title: str = ""
    detail: str = ""


class _Services(Struct, frozen=True):
    receiver: str = msgspec.field(name="event-receiver-http", default="")


class _Discovery(Struct, frozen=True):
    response: _Services


# What is received. Only what is named here is read, so that nothing else of an object is kept.


class _Metadata(Struct, frozen=True):
    name: str = ""
    namespace: str = ""


class _Object(Struct, frozen=True, rename="camel"):
    api_version: str = ""
    api_group: str = ""
    kind: str = ""
    name: str = ""
    """Of a subject of RBAC, which has no object of its own."""
    namespace: str = ""
    metadata: _Metadata | None = None


class _Source(Struct, frozen=True, rename="camel"):
    relative_path: str = ""
    path: str = ""


class _Resource(Struct, frozen=True):
    resourceID: str  # noqa: N815 as it is written
    object: _Object | None = None
    source: _Source | None = None


class _Status(Struct, frozen=True, rename="camel"):
    status: str = ""
    sub_status: str = ""


class _Path(Struct, frozen=True, rename="camel"):
    failed_path: str = ""


class _Rule(Struct, frozen=True):
    paths: tuple[_Path, ...] | None = None


class _Control(Struct, frozen=True):
    controlID: str  # noqa: N815 as it is written
    status: _Status = _Status()
    rules: tuple[_Rule, ...] | None = None


class _Result(Struct, frozen=True):
    resourceID: str  # noqa: N815 as it is written
    controls: tuple[_Control, ...] | None = None


class _Summed(Struct, frozen=True, rename="camel"):
    score_factor: float = 0.0


class _Summary(Struct, frozen=True):
    controls: dict[str, _Summed] | None = None


class _Page(Struct, frozen=True, rename="camel"):
    chunk_number: Annotated[int, Meta(ge=0, lt=_MOST_CHUNKS)]
    is_last_chunk: bool = False


class Chunk(Struct, frozen=True, rename="camel"):
    """One request."""

    pagination_info: _Page
    generation_time: str = ""
    cluster_name: str = ""
    resources: tuple[_Resource, ...] | None = None
    results: tuple[_Result, ...] | None = None
    summary_details: _Summary | None = None


class Chunks:
    """Those of one report, in whatever order they come; a number that comes again replaces."""

    def __init__(self, at: float) -> None:
        """``at``: when the first one came, in seconds of any clock."""
        self.at = at
        self.size = 0
        """Bytes of those that came; for who takes them to count."""
        self._parts: dict[int, Chunk] = {}
        self._last: int | None = None

    def take(self, chunk: Chunk) -> bool:
        """Whether all are there now."""
        page = chunk.pagination_info
        self._parts[page.chunk_number] = chunk
        if page.is_last_chunk:
            self._last = page.chunk_number
        return self._last is not None and all(number in self._parts for number in range(self._last + 1))

    def whole(self, at: str, program: str) -> WholeReport:
        """``at``: RFC 3339 in UTC, to the second, where the report does not say when it was made.

        Raises: ``UsageError``: what is left out would count as gone.
        """
        chunks = [self._parts[number] for number in sorted(self._parts)]
        # A report that is sent again is the same one, and not another under its key.
        at = next(filter(None, (made_at(one.generation_time) for one in chunks)), at)
        resources = {one.resourceID: one for chunk in chunks for one in chunk.resources or ()}
        scores: dict[str, float] = {}
        for chunk in chunks:
            known = chunk.summary_details.controls if chunk.summary_details else None
            scores |= {id: one.score_factor for id, one in (known or {}).items()}
        judged: dict[str, None] = {}
        findings: list[FoundFinding] = []
        marks: Counter[str] = Counter()
        for result in (one for chunk in chunks for one in chunk.results or ()):
            for control in result.controls or ():
                id = plain(control.controlID, SHORT)
                if control.status.status in _JUDGED:
                    judged[id] = None
                is_accepted = control.status.sub_status == _ACCEPTED
                if control.status.status == "failed" or is_accepted:
                    one = _finding(control, resources.get(result.resourceID), result.resourceID, scores)
                    marks[one.fingerprint] += 1
                    findings.append(msgspec.structs.replace(one, ordinal=marks[one.fingerprint]))
        if len(findings) > MOST_FINDINGS:
            raise UsageError(
                f"the report has {len(findings):,} findings; at most {MOST_FINDINGS:,} are taken"
            )
        coverage = Coverage(len(resources), len(judged), 0)
        scope = next((plain(one.cluster_name, SHORT) for one in chunks if one.cluster_name), "")
        measured = Measured(at, program, coverage, scope=scope)
        return WholeReport(measured, tuple(judged), tuple(findings))


def made_at(text: str) -> str:
    """A moment in UTC, to the second; empty for anything else, and for the year 1 of a program that does not know."""
    found = _MOMENT.fullmatch(text)
    try:
        return f"{found[1]}Z" if found and datetime.fromisoformat(found[1]).year > 2000 else ""
    except ValueError:
        return ""


def _finding(
    control: _Control, resource: _Resource | None, id: str, scores: dict[str, float]
) -> FoundFinding:
    it = resource.object if resource and resource.object else _Object(name=id)
    named = it.metadata or _Metadata(it.name, it.namespace)
    source = resource.source if resource and resource.source else _Source()
    group = it.api_version.partition("/")[0] if "/" in it.api_version else it.api_group
    file = shown_file(source.relative_path or source.path)
    paths = (path.failed_path for rule in control.rules or () for path in rule.paths or ())
    is_accepted = control.status.sub_status == _ACCEPTED
    kind, namespace, name = (plain(text, SHORT) for text in (it.kind, named.namespace, named.name))
    return FoundFinding(
        fingerprint=mark_of(control.controlID, f"{group}/{kind}/{namespace}/{name}", file),
        control=plain(control.controlID, SHORT),
        severity=severity_of(scores.get(control.controlID, 0.0)),
        kind=kind,
        name=name,
        group=plain(group, SHORT),
        namespace=namespace,
        file=file[:LONG],
        path=plain(next((path for path in paths if path), ""), LONG),
        accepted="accepted by an exception of the sender" if is_accepted else "",
    )
