"""The report about an image as JSON: everything that was found, what was taken away and what could not be looked at."""

from typing import IO, Any

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.model.vulnerability import Evidence, Match, Suppressed
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import advisories_of, facts, without_empty
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.waiver_text import waiver_facts
from leadline.packages.package_url import package_url
from leadline.vulnerabilities.priority import reason, risk
from leadline.vulnerabilities.upgrades import Upgrade, upgrade_plan, upgrades

VERSION = 1
"""Of this document; raised when a field goes or changes its meaning."""


@format("json", suffix=".json", report=ImageReport)
def image_json(report: ImageReport, out: IO[str], page: Page) -> None:
    document = _head(page) | _image(report) | {"verdict": _verdict(page)}
    out.write(json_text(document) + "\n")


@format("json", suffix=".json", report=ImagesReport)
def images_json(report: ImagesReport, out: IO[str], page: Page) -> None:
    """One document about all images: each has what the document about one has, and what runs it."""
    document = _head(page) | {
        "target": report.target and {"kind": report.target.kind, "name": report.target.name},
        "objects": report.objects,
        "images": [
            {
                "names": list(one.names),
                "usedBy": [_use(use) | _accepted_by(use, one) for use in one.uses],
                **_image(one.report),
            }
            for one in report.images
        ],
        "failed": [
            {**_unread(one.unread), "usedBy": [_use(use) for use in one.uses]} for one in report.failed
        ],
        "unread": [_unread(one) for one in report.unread],
        "leftOut": [_unread(one) for one in report.left_out],
        **({"waivers": waiver_facts(report.waivers)} if report.waivers else {}),
        "verdict": _verdict(page),
    }
    out.write(json_text(document) + "\n")


def _head(page: Page) -> dict[str, Any]:
    return {
        "version": VERSION,
        "generatedAt": page.at,
        "tool": {"name": "leadline", "version": page.version},
    }


def _verdict(page: Page) -> dict[str, Any]:
    return without_empty({"text": page.verdict, "passed": page.passed})


def _use(use: ImageUse) -> dict[str, Any]:
    named = without_empty({"id": use.resource, "object": use.title})
    return named | facts(use, "container", "exposed_by")


def _accepted_by(use: ImageUse, image: ScannedImage) -> dict[str, Any]:
    """Ids that the object accepts, and others that run the image do not."""
    found = image.report.vulnerabilities
    ids = dict.fromkeys(found[position].id for position in image.accepted_by.get(use.resource, ()))
    return {"accepts": list(ids)} if ids else {}


def _unread(one: Unread) -> dict[str, Any]:
    return facts(one, "where", "why", "hint")


def _image(report: ImageReport) -> dict[str, Any]:
    image, distro = report.sbom.image, report.sbom.distro
    found = [
        {**_finding(one.finding), "waiver": one.waiver, "why": one.reason} for one in report.waived_findings
    ]
    return {
        "image": {
            **facts(image, "name", "id", "digest", tags=image.repo_tags, platform=image.platform),
            **facts(image, "layers", sizeBytes=image.size_bytes or None),
        },
        "distribution": facts(distro, "id", "version", "name", "end_of_life"),
        "packages": len(report.sbom.packages),
        "database": _database(report),
        "vulnerabilities": [_match(match) for match in report.vulnerabilities],
        "upgrades": [_upgrade(step) for step in upgrades(report.vulnerabilities, report.sbom)],
        "upgradePlan": [
            {
                "manager": one.manager,
                "packages": list(one.packages),
                "removes": one.removes,
                **without_empty({"command": one.command}),
            }
            for one in upgrade_plan(report.vulnerabilities, report.sbom)
        ],
        "suppressed": [_suppressed(one) for one in report.suppressed],
        "findings": [_finding(one) for one in report.findings],
        **without_empty({"acceptedFindings": found, "waivers": waiver_facts(report.waivers)}),
        "coverage": [facts(one, "ecosystem", "packages", "feeds", "why") for one in report.coverage],
        "notJudged": list(report.not_judged),
        "unread": [_unread(one) for one in report.sbom.unread],
    }


def _database(report: ImageReport) -> dict[str, Any] | None:
    if report.database is None:
        return None
    return {
        "built": report.database.built,
        "date": report.database.date,
        "isSample": report.database.is_sample,
        **({"source": report.database.source} if report.database.source else {}),
        "feeds": [
            {"name": feed.name, "date": feed.date, "records": feed.records} for feed in report.database.feeds
        ],
    }


def _match(match: Match) -> dict[str, Any]:
    exploited, chance = match.exploited, match.chance
    found = facts(match, "id", "aliases", "severity", kind=match.kind if match.kind != "security" else "")
    found |= facts(match, "state", "fixed_in", package=_package(match.package), loaded=match.loaded)
    found |= without_empty(
        {
            "why": reason(match),
            "risk": round(risk(match), 2),
            "exploited": exploited and facts(exploited, "since", "due", "by_ransomware"),
            "epss": chance and {"chance": chance.chance, "percentile": chance.percentile},
            "cvss": [facts(one, "vector", score=one.score or None, by=one.by) for one in match.cvss],
        }
    )
    evidence = [_evidence(one) for one in match.evidence]
    return found | facts(match, "weaknesses", "summary", "published", "references", evidence=evidence)


def _package(package: Package) -> dict[str, Any]:
    return {
        **facts(package, "type", "namespace", "name", "version", "source", "source_version"),
        **facts(package, purl=package_url(package), foundIn=package.found_in, layer=package.layer),
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    imports = [facts(each, "path", "symbols", "systems", "architectures") for each in one.imports]
    return facts(one, "feed", "advisory", "ecosystem", "package", "versions", "how", imports=imports)


def _upgrade(step: Upgrade) -> dict[str, Any]:
    """In the order in which they help most."""
    removes = list(dict.fromkeys(match.id for match in step.removes))
    return facts(
        step, "type", "name", "version", "to", "packages", removes=removes, inBaseImage=step.is_in_base
    ) | facts(step, "command")


def _suppressed(one: Suppressed) -> dict[str, Any]:
    return {
        "id": one.match.id,
        "aliases": list(one.match.aliases),
        "advisories": list(advisories_of(one.match)),
        "severity": one.match.severity,
        "package": _package(one.match.package),
        "by": one.by,
        "why": one.why,
    }


def _finding(one: ImageFinding) -> dict[str, Any]:
    return facts(one, "severity", "title", "control", "where", "detail", "fix", "layer")
