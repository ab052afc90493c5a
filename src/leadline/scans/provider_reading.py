"""What a provider knows of all its sources, for pages and reports. The HTTP client is made by the program."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from leadline.api.provider.wire import (
    AlertRow,
    Alerts,
    DayRow,
    FindingRow,
    Findings,
    History,
    ImageRow,
    Images,
    PackageRow,
    Packages,
    RiskRow,
    Risks,
    SourceRow,
    Sources,
)
from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.control import Control, Review
from leadline.model.finding import Finding
from leadline.model.report import PostureReport, Target, Waived
from leadline.model.resource import CLUSTER, Origin, Resource
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.documents.baseline import Baseline, SeenFinding
from leadline.outputs.documents.joint_report import (
    MOST_POINTS,
    AcceptedRisk,
    FailedSource,
    SourceReport,
    TrendPoint,
)
from leadline.outputs.text.plain import count, plain
from leadline.posture.catalogue import load_controls
from leadline.scans.pages.image_entries import ImageEntry, ImageSums, Use
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import Component, Known
from leadline.version import __version__

Ask = Callable[[str, Mapping[str, str]], bytes]
"""One answer: of ``/v1/findings`` and a query. Raises: ``SourceError``."""
A = TypeVar("A", bound=Struct)
R = TypeVar("R", bound=Struct)
Paged = TypeVar("Paged", Findings, Images, Packages, Risks)
MOST_FINDINGS = 200_000
"""That are read; the worst first, and how many more there are is said."""
MOST_IMAGES = 50_000
MOST_RISKS = 20_000
"""Workloads, those with the highest risk."""
_A_PAGE = "1000"
_LISTS = (
    "A provider counts here. It answers who runs a package at /v1/packages?name=NAME&version=VERSION, what is in an image at"
    " /v1/packages?digest=DIGEST, and which images have a vulnerability at /v1/images?vulnerability=ID."
)
_WORST_FIRST = ("critical", "high", "medium", "unknown", "low")
_SCORES = {"critical": 9.5, "high": 8.0, "medium": 5.0, "low": 2.0, "unknown": 0.0}
_DAYS = 365


class ProviderState(Struct, frozen=True):
    """Of one moment."""

    host: str
    at: str
    """RFC 3339 in UTC."""
    sources: tuple[SourceRow, ...]
    findings: tuple[FindingRow, ...]
    """Open and accepted ones."""
    alerts: tuple[AlertRow, ...]
    days: tuple[DayRow, ...]
    not_read: Mapping[str, int] = {}
    """Open findings that are not among ``findings``, by severity."""


def read_sources(ask: Ask) -> tuple[SourceRow, ...]:
    """Raises: ``SourceError``, as the others of these."""
    return _answer(ask, "/v1/sources", {}, Sources).items


def read_findings(ask: Ask, query: Mapping[str, str]) -> Iterator[FindingRow]:
    return _rows(ask, "/v1/findings", query, Findings)


def read_risks(ask: Ask) -> Iterator[RiskRow]:
    return _rows(ask, "/v1/risks", {}, Risks)


def read_images(ask: Ask) -> Iterator[ImageRow]:
    return _rows(ask, "/v1/images", {}, Images)


def read_packages(ask: Ask, image: ImageRow) -> Iterator[PackageRow]:
    """By the word of the source that sent ``image``."""
    return _rows(ask, "/v1/packages", {"digest": image.digest, "source": image.source}, Packages)


def read_days(ask: Ask, days: int, source: str = "") -> tuple[DayRow, ...]:
    return _answer(ask, "/v1/history", {"days": str(days), "source": source}, History).items


def read_provider(ask: Ask, host: str, now: datetime, most: int = MOST_FINDINGS) -> ProviderState:
    """All that a reader may see. Raises: ``SourceError``."""
    sources = read_sources(ask)
    findings: list[FindingRow] = []
    not_read: dict[str, int] = {}
    for severity in _WORST_FIRST:
        for state in ("open", "accepted"):
            room = most - len(findings)
            rows, is_whole = _some(read_findings(ask, {"severity": severity, "state": state}), room)
            findings += rows
            if not is_whole:
                not_read[severity] = 0
    if not_read:
        held = Counter((one.severity, bool(one.accepted)) for one in findings)
        known = sum(one.open + one.accepted for one in sources)
        rest = known - sum(held.values())
        # The provider counts critical and high ones by source; of the others only their sum is known.
        not_read = {", ".join(not_read): max(1, rest)}
    alerts = _answer(ask, "/v1/alerts", {}, Alerts).items
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return ProviderState(host, at, sources, tuple(findings), alerts, read_days(ask, _DAYS), not_read)


def read_known(
    ask: Ask, host: str, now: datetime, command: str, *, images: int = MOST_IMAGES, risks: int = MOST_RISKS
) -> Known:
    """As pages have it. A namespace is called ``SOURCE/NAMESPACE``: one of the same name in another cluster is another.

    ``command`` says the same in a terminal; of images and ranks at most so many. Raises: ``SourceError``.
    """
    state = read_provider(ask, host, now)
    some_images, all_images = _some(read_images(ask), images)
    some_risks, all_risks = _some(read_risks(ask), risks)
    cut = []
    if not all_images:
        cut.append(f"only {len(some_images):,} images were read")
    if not all_risks:
        cut.append(f"only the {len(some_risks):,} workloads with the highest risk were read")
    posture = _with_ranks(posture_of_provider(state), some_risks)
    left = tuple(Unread(host, why, "too large") for why in cut)
    return Known(
        structs.replace(posture, unread=(*posture.unread, *left)),
        state.at,
        command,
        tuple(map(_image, some_images)),
        why_no_images="No source has sent an image.",
        why_no_uses="A provider does not hold which object runs an image; Images lists them by source.",
        image_lists=_LISTS,
        components=tuple(_component(one, state.alerts) for one in state.sources),
        days=_days(state.days),
        fails_only=True,
    )


def _some(rows: Iterator[R], most: int) -> tuple[list[R], bool]:
    """At most so many, and whether that is all."""
    some = list(islice(rows, max(0, most)))
    return some, most > 0 and next(rows, None) is None


def _rows(ask: Ask, path: str, query: Mapping[str, str], kind: type[Paged]) -> Iterator[Any]:
    """Of every page of a list."""
    cursor, seen = "", set[str]()
    while cursor not in seen:
        seen.add(cursor)
        page = _answer(ask, path, {**query, "limit": _A_PAGE, "cursor": cursor}, kind)
        yield from page.items
        cursor = page.next
        if not cursor:
            return


def _answer(ask: Ask, path: str, query: Mapping[str, str], kind: type[A]) -> A:
    content = ask(path, {name: value for name, value in query.items() if value})
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not answered as a provider does: {in_words(error)}") from error


# As pages have it.


def _image(row: ImageRow) -> ImageEntry:
    unread = [f"{count(row.unread, 'part')} of it could not be read"] if row.unread else []
    if row.is_disputed:
        unread.append("another source found other packages under this digest")
    return ImageEntry(
        key=object_key(f"{row.source}\0{row.digest}"),
        name=plain(row.name, 4_096),
        digest=plain(row.digest),
        distro="not known",
        is_matched=bool(row.database),
        database=plain(row.database),
        scanned=plain(row.received),
        severities={"critical": row.critical, "high": row.high},
        packages=(),
        flaws=(),
        steps=(),
        unread=tuple(unread),
        uses=(Use(plain(row.source), plain(row.source), ""),),
        sums=ImageSums(row.packages, row.exploited),
    )


def posture_of_provider(state: ProviderState) -> PostureReport:
    """What fails in all sources. A provider keeps nothing of what passes, so that compliance is unknown."""
    resources: dict[str, Resource] = {}
    failing: dict[str, dict[str, None]] = {}
    controls: dict[str, Control] = {}
    findings: list[Finding] = []
    waived: list[Waived] = []
    reasons: dict[str, int] = {}
    for row in state.findings:
        resource = _resource(row)
        resources.setdefault(resource.id, resource)
        failing.setdefault(resource.id, {})[row.control] = None
        if row.control not in controls:
            controls[row.control] = _control(row.control, row.severity)
        # Rights of one control are graver for a cluster than for one namespace; the gravest is read first.
        is_lesser = row.severity != controls[row.control].severity
        if is_lesser:
            controls[row.control] = _with_lesser(controls[row.control], row.severity)
        finding = Finding(row.control, resource.id, Review(row.path), is_namespaced=is_lesser)
        if row.accepted:
            waived.append(Waived(finding, reasons.setdefault(row.accepted, len(reasons))))
        else:
            findings.append(finding)
    used = Counter(one.waiver for one in waived)
    uses = tuple(
        WaiverUse(Waiver(name=why, matches=(), reason=why), "used", used[number])
        for why, number in reasons.items()
    )
    return PostureReport(
        Target("cluster", f"{count(len(state.sources), 'source')} of {state.host}"),
        tuple(resources.values()),
        tuple(sorted(controls.values(), key=lambda one: (-one.score, one.id))),
        tuple(findings),
        tuple(tuple(failing[id]) for id in resources),
        unread=tuple(_unread(state)),
        waived=tuple(waived),
        waivers=uses,
        objects=sum(one.objects for one in state.sources),
        is_sealed=True,
    )


def _resource(row: FindingRow | RiskRow) -> Resource:
    namespace = f"{row.source}/{row.namespace}" if row.namespace else row.source
    file = row.file if isinstance(row, FindingRow) else ""
    origin = Origin(path=file, root=row.source) if file else CLUSTER
    id = f"{row.source}/{file}/{row.group}/{row.kind}/{row.namespace}/{row.name}"
    return Resource(f"{row.group}/" if row.group else "", row.kind, namespace, row.name, {}, origin, id)


def _with_ranks(posture: PostureReport, risks: Sequence[RiskRow]) -> PostureReport:
    """Ranks as their sources sent them, without the way of an attacker; ``None`` of them where no source sends any."""
    if not risks:
        return posture
    # A rank does not say in which file its workload is.
    ids = {(one.namespace, one.api_version, one.kind, one.name): one.id for one in posture.resources}
    known = set(ids.values())
    added: dict[str, Resource] = {}
    ranks: dict[str, WorkloadRisk] = {}
    for row in risks:
        one = _resource(row)
        id = ids.get((one.namespace, one.api_version, one.kind, one.name), one.id)
        if id == one.id:
            added[id] = one
        ranks[id] = WorkloadRisk(id, row.score, 0.0, 0.0, 0.0, plain(row.sentence, 1_000), ())
    missing = [one for id, one in added.items() if id not in known]
    return structs.replace(
        posture,
        resources=(*posture.resources, *missing),
        judged=(*posture.judged, *(() for _ in missing)),
        risks=tuple(ranks.values()),
    )


@lru_cache(maxsize=1)
def _ours() -> Mapping[str, Control]:
    return {one.id: one.facts for one in load_controls()}


def _control(id: str, severity: str) -> Control:
    """With the severity that the sender gave it."""
    ours = _ours().get(id) or Control(id, id, 0.0, "", "", id)
    return ours if ours.severity == severity else structs.replace(ours, score=_SCORES[severity])


def _with_lesser(control: Control, severity: str) -> Control:
    """With what its findings of ``severity`` count as, which is below its own."""
    if control.in_one_namespace.severity == severity:
        return control
    return structs.replace(control, namespaced_score=_SCORES[severity])


def _is_namespaced(row: FindingRow) -> bool:
    """Whether the severity is that which our control has for rights in one namespace."""
    ours = _ours().get(row.control)
    return ours is not None and ours.severity != row.severity == ours.in_one_namespace.severity


def _unread(state: ProviderState) -> Iterator[Unread]:
    yield Unread(
        state.host,
        "a provider keeps what fails: objects that pass everything, compliance and what was not judged are not known",
        "left out",
        hint="each cluster's own pages show them",
    )
    for severity, number in state.not_read.items():
        yield Unread(
            state.host, f"{count(number, 'finding')} more, among {severity}, were not read", "too large"
        )
    for one in state.sources:
        for why in _doubts(one, state.alerts):
            yield Unread(one.name, why, "incomplete", kind="source")


def _doubts(source: SourceRow, alerts: tuple[AlertRow, ...]) -> Iterator[str]:
    """Why less may be known of ``source`` than it seems."""
    yield from _suspicions(source, alerts)
    if not source.is_unread_known:
        yield "what could not be read there is unknown: its reports do not say"
    elif source.unread:
        yield f"{count(source.unread, 'input')} could not be read there"


def _suspicions(source: SourceRow, alerts: tuple[AlertRow, ...]) -> Iterator[str]:
    """Why someone has to look after ``source``."""
    if not source.last_received:
        yield "nothing was received from it yet"
    elif source.is_silent:
        yield f"silent: nothing was received since {source.last_received}"
    for one in alerts:
        if one.source == source.name and one.kind != "silence":
            yield plain(f"alert {one.kind}: {one.text}", 1_000)


def _component(source: SourceRow, alerts: tuple[AlertRow, ...]) -> Component:
    found = list(_suspicions(source, alerts))
    state = found[0] if found else f"reports {count(source.open, 'finding')}"
    hint = "see /v1/alerts; leadline provider settle ends an alert" if found else ""
    return Component(f"{source.kind} {source.name}", source.last_received, state, not found, hint)


def _days(rows: tuple[DayRow, ...]) -> Mapping[str, Mapping[str, int]]:
    """Open findings of all sources at the end of each day; a day on which a source did not report has its number of before."""
    by_source: dict[str, dict[str, int]] = {}
    for row in rows:
        days = by_source.setdefault(row.source, {})
        days[row.day] = days.get(row.day, 0) + row.open
    total: dict[str, int] = {}
    last: dict[str, int] = {}
    for day in sorted({day for days in by_source.values() for day in days}):
        last |= {source: days[day] for source, days in by_source.items() if day in days}
        total[day] = sum(last.values())
    return {"": total}


# As a report over several sources has it.


def read_joint(ask: Ask, host: str, now: datetime) -> tuple[SourceReport | FailedSource, ...]:
    """Raises: ``SourceError``."""
    images, _ = _some(read_images(ask), MOST_IMAGES)
    return tuple(joint_sources(read_provider(ask, host, now), images))


def joint_sources(
    state: ProviderState, images: Sequence[ImageRow] = ()
) -> Iterator[SourceReport | FailedSource]:
    """Each source of the provider as one of a report, which says of how many of ``images`` the vulnerabilities are not in it."""
    numbers = Counter(one.source for one in images)
    by_source: dict[str, list[FindingRow]] = {one.name: [] for one in state.sources}
    for row in state.findings:
        by_source.setdefault(row.source, []).append(row)
    for source in state.sources:
        if source.last_received:
            yield _source_report(source, by_source[source.name], state, numbers[source.name])
        else:
            yield FailedSource(source.name, "nothing was received from it yet")


def _source_report(
    source: SourceRow, rows: list[FindingRow], state: ProviderState, images: int
) -> SourceReport:
    is_open = [row for row in rows if not row.accepted]
    accepted = Counter(plain(row.accepted, 1_000) for row in rows if row.accepted)
    doubts = tuple(_doubts(source, state.alerts))
    listed = (
        (f"vulnerabilities of {count(images, 'image')}, which pages of the provider list",) if images else ()
    )
    more = tuple(
        f"{count(number, 'finding')} more of all sources, among {name}, were not read"
        for name, number in state.not_read.items()
    )
    points: dict[str, dict[str, int]] = {}
    for row in state.days:
        if row.source == source.name and row.day < state.at[:10]:
            points.setdefault(row.day, {})[row.severity] = row.open
    # What is gone there was looked at: every control counts as having judged.
    baseline = Baseline(
        tuple(
            SeenFinding(
                plain(row.control),
                plain(f"{row.group}/{row.kind}/{row.namespace}/{row.name}", 4096),
                path=plain(row.path, 4096),
                file=plain(row.file, 4096),
                first_seen=row.first_received,
                is_namespaced=_is_namespaced(row),
            )
            for row in is_open
        ),
        controls=tuple(sorted({*_ours(), *(row.control for row in rows)})),
        unread=(*doubts, *more),
        target=source.name,
        at=source.last_received,
        program=__version__,
    )
    return SourceReport(
        name=source.name,
        baseline=baseline,
        severities=Counter(row.severity for row in is_open),
        objects=source.objects,
        unread=(*doubts, *listed, *more),
        accepted=tuple(
            AcceptedRisk(what="", findings=number, reason=why) for why, number in accepted.items()
        ),
        trend=tuple(TrendPoint(day, found) for day, found in sorted(points.items()))[-MOST_POINTS:],
    )
