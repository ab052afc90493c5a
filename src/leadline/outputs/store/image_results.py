"""An image report as the objects that a store keeps of it: its packages, its vulnerabilities, what is stated about them,
and their number for each container.
"""

import re
from collections import Counter
from collections.abc import Iterable
from io import StringIO
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from leadline.image.identity.package_url import package_url
from leadline.model.image_report import ImageReport
from leadline.model.package import Package
from leadline.model.vulnerability import FixState, Match, Suppressed
from leadline.outputs.format_registry import Page
from leadline.outputs.place import NoPlaces
from leadline.outputs.report_document import FORMAT, decode, encode
from leadline.outputs.store.posture_results import PREFIX, label_value, slug
from leadline.outputs.store.protocol import Content, Put
from leadline.outputs.store.selection import Key
from leadline.version import __version__

SBOMS = "sbomsyfts"
VEX = "openvulnerabilityexchangecontainers"
MANIFESTS = "vulnerabilitymanifests"
SUMMARIES = "vulnerabilitymanifestsummaries"
SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")
_STATES: dict[FixState, str] = {"fixed": "fixed", "not fixed": "not-fixed", "wont fix": "wont-fix"}
COUNTED = "leadline.dev/vulnerabilities"
"""The annotation with what is counted of an image's vulnerabilities, so that no one has to read bodies for it."""
MOST_NAMED = 50
"""Ids of each sort in that annotation."""
_ID_END = 6
Body = dict[str, Any]


class RunningContainer(Struct, frozen=True):
    """A container that runs an image."""

    kind: str
    """Of its workload."""
    workload: str
    namespace: str
    name: str


class Counted(Struct, frozen=True, rename="camel"):
    """What ``COUNTED`` holds, as JSON."""

    database: str = ""
    """When the newest feed of the database was made; empty where there was none."""
    digest: str = ""
    found: dict[str, int] = {}
    """Vulnerabilities by severity."""
    fixable: dict[str, int] = {}
    """Those of them that an upgrade removes."""
    exploited: int = 0
    exploited_ids: tuple[str, ...] = ()
    critical_ids: tuple[str, ...] = ()
    """At most ``MOST_NAMED`` of either."""
    unread: int = 0
    """Parts of the image that could not be read."""


class Scanned(Struct, frozen=True):
    """When and where results are stored; ``home`` is the namespace of those about images."""

    home: str
    at: str


def image_puts(
    report: ImageReport, scanned: Scanned, containers: Iterable[RunningContainer] = ()
) -> list[Put]:
    """The manifest of the image, its SBOM, its VEX, and a summary for each container that runs it.

    Each replaces what is there.
    """
    name = manifest_name(report)
    labels = {
        f"{PREFIX}context": "non-filtered",
        f"{PREFIX}image-id": label_value(report.sbom.image.id),
        f"{PREFIX}image-name": label_value(report.sbom.image.name),
    }
    annotations = {
        f"{PREFIX}image-id": report.sbom.image.id,
        f"{PREFIX}image-tag": report.sbom.image.name,
        f"{PREFIX}status": "ready" if report.database else "incomplete",
        f"{PREFIX}timestamp": scanned.at,
        COUNTED: msgspec.json.encode(counted(report)).decode(),
    }
    metadata = {"labels": labels, "annotations": annotations}
    of_sbom = {**metadata, "annotations": {**annotations, f"{PREFIX}status": _sbom_status(report)}}
    puts = [
        _put(SBOMS, scanned.home, name, of_sbom, _sbom(report, scanned.at)),
        _put(MANIFESTS, scanned.home, name, metadata, _manifest(report, scanned.at)),
        _put(VEX, scanned.home, name, metadata, _vex(report, scanned.at)),
    ]
    counts: Counter[str] = Counter(match.severity for match in report.vulnerabilities)
    severities = {severity: {"all": counts[severity], "relevant": 0} for severity in SEVERITIES}
    whole = {"kind": MANIFESTS, "namespace": scanned.home, "name": name}
    references = {"all": whole, "relevant": {"kind": "", "namespace": "", "name": ""}}
    for container in containers:
        spec = {"severities": severities, "vulnerabilitiesRef": references}
        its = {"labels": {**labels, **_labels(container)}, "annotations": annotations}
        puts.append(_put(SUMMARIES, container.namespace, summary_name(container), its, spec))
    return puts


def counted(report: ImageReport) -> Counted:
    matches = report.vulnerabilities
    exploited = [match.id for match in matches if match.exploited]
    critical = [match.id for match in matches if match.severity == "critical"]
    return Counted(
        report.database.date if report.database else "",
        report.sbom.image.digest,
        dict(Counter(match.severity for match in matches)),
        dict(Counter(match.severity for match in matches if match.fixed_in)),
        len(exploited),
        tuple(dict.fromkeys(exploited))[:MOST_NAMED],
        tuple(dict.fromkeys(critical))[:MOST_NAMED],
        len(report.sbom.unread),
    )


def manifest_name(report: ImageReport) -> str:
    """Of the image's name and the end of its id, as existing clients work it out."""
    image = report.sbom.image
    plain = re.sub(r"://|[:/_@]", "-", image.name).lower()
    return slug(f"{plain}-{image.id[-_ID_END:]}" if image.id else plain)


def summary_name(container: RunningContainer) -> str:
    return slug(f"{container.kind}-{container.workload}-{container.name}".lower())


def _manifest(report: ImageReport, at: str) -> Body:
    distro = report.sbom.distro
    payload: Body = {
        "matches": [_match(match) for match in report.vulnerabilities] or None,
        "source": {
            "type": "image",
            "target": {"userInput": report.sbom.image.name, "imageID": report.sbom.image.id},
        },
        "distro": {"name": distro.id, "version": distro.version, "idLike": list(distro.like)},
        # The whole report, so that it can be shown again as it was.
        "descriptor": {
            "name": "leadline",
            "version": __version__,
            "configuration": orjson.loads(encode(report)),
        },
    }
    if report.suppressed:
        payload["ignoredMatches"] = [_ignored(suppressed) for suppressed in report.suppressed]
    database = report.database.date if report.database else ""
    tool = {"name": "leadline", "version": __version__, "databaseVersion": database}
    return {
        "metadata": {"withRelevancy": False, "tool": tool, "report": {"createdAt": at}},
        "payload": payload,
    }


def stored_image(body: bytes) -> ImageReport | None:
    """The report within the body of a manifest; ``None`` where another tool wrote it.

    Raises: ``SourceError`` where it is damaged, or of a later version.
    """
    payload = orjson.loads(body).get("spec", {}).get("payload") or {}
    configuration = (payload.get("descriptor") or {}).get("configuration")
    if not isinstance(configuration, dict) or configuration.get("format") != FORMAT:
        return None
    report = decode(orjson.dumps(configuration))
    return report if isinstance(report, ImageReport) else None


def _sbom(report: ImageReport, at: str) -> Body:
    # Formats bring libraries of their own, which other results do without.
    from leadline.outputs.formats.syft_json import syft_json

    assert syft_json.draft is not None
    document = syft_json.draft(report.sbom, __version__).at(at)
    tool = {"name": "leadline", "version": __version__}
    return {"metadata": {"tool": tool, "report": {"createdAt": at}}, "syft": orjson.loads(document)}


def _sbom_status(report: ImageReport) -> str:
    return "incomplete" if report.sbom.unread else "ready"


def _vex(report: ImageReport, at: str) -> Body:
    from leadline.outputs.formats.openvex import openvex

    written = StringIO()
    openvex.write(report, written, Page(NoPlaces(), at=at))
    document: Body = orjson.loads(written.getvalue())
    return document


def _match(match: Match) -> Body:
    """No scores and no fixed versions are null: clients take an empty list of versions for a fix."""
    described = _vulnerability(match, match.id)
    fix = {"versions": list(match.fixed_in) or None, "state": _STATES.get(match.state, "unknown")}
    found = match.evidence[0] if match.evidence else None
    details = [
        {
            "type": match.how,
            "matcher": found.feed,
            "searchedBy": {"ecosystem": found.ecosystem, "package": found.package},
            "found": {"advisory": found.advisory, "versions": found.versions},
        }
        for found in ([found] if found else [])
    ]
    return {
        "vulnerability": {**described, "fix": fix, "advisories": []},
        "relatedVulnerabilities": [
            {"id": alias, "dataSource": "", "urls": [], "cvss": None} for alias in match.aliases
        ],
        "matchDetails": details,
        "artifact": _artifact(match.package),
    }


def _vulnerability(match: Match, id: str) -> Body:
    scores = [
        {
            "version": _cvss_version(one.vector),
            "vector": one.vector,
            "metrics": {"baseScore": one.score},
            "vendorMetadata": {},
        }
        for one in match.cvss
    ]
    return {
        "id": id,
        "dataSource": match.references[0] if match.references else "",
        "severity": match.severity.capitalize(),
        "urls": list(match.references),
        "description": match.summary,
        "cvss": scores or None,
    }


def _cvss_version(vector: str) -> str:
    """``3.1`` of ``CVSS:3.1/AV:…``; vectors of version 2 do not say."""
    return vector.removeprefix("CVSS:").partition("/")[0] if vector.startswith("CVSS:") else "2.0"


def _artifact(package: Package) -> Body:
    return {
        "name": package.name,
        "version": package.version,
        "type": package.type,
        "locations": [{"path": f"/{path}", "layerID": package.layer} for path in package.found_in],
        "language": "",
        "licenses": list(package.licenses),
        "cpes": list(package.cpes),
        "purl": package_url(package),
        "upstreams": [{"name": package.source, "version": package.source_version}] if package.source else [],
    }


def _ignored(suppressed: Suppressed) -> Body:
    rule = {
        "vulnerability": suppressed.match.id,
        "fix-state": _STATES.get(suppressed.match.state, "unknown"),
        "sourceKind": suppressed.by,
        "justification": suppressed.why,
    }
    return {**_match(suppressed.match), "appliedIgnoreRules": [rule]}


def _labels(container: RunningContainer) -> dict[str, str]:
    labels = {
        "workload-kind": container.kind,
        "workload-name": container.workload,
        "workload-namespace": container.namespace,
        "workload-container-name": container.name,
    }
    return {f"{PREFIX}{name}": label_value(value) for name, value in labels.items()}


def _put(plural: str, namespace: str, name: str, metadata: Body, spec: Body) -> Put:
    whole = {"name": name, "namespace": namespace, **metadata}
    return Put(Key(plural, namespace, name), Content(orjson.dumps(whole), body=orjson.dumps({"spec": spec})))
