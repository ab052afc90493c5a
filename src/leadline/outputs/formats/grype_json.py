"""The document that Grype writes, for tools that read it. Field names and enumerations are its own.

Source: https://github.com/anchore/grype/tree/main/grype/presenter/models
"""

from typing import IO, Any

from leadline.model.image_report import ImageReport
from leadline.model.package import Package
from leadline.model.vulnerability import Evidence, Match, Suppressed
from leadline.outputs.documents.components import key_of
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import page_of
from leadline.outputs.text.json_text import json_text
from leadline.packages.package_url import package_url
from leadline.vulnerabilities.priority import risk

_STATES = {
    "fixed": "fixed",
    "not fixed": "not-fixed",
    "wont fix": "wont-fix",
    "deferred": "wont-fix",
    "end of life": "wont-fix",
}
_TYPES = {
    "golang": "go-module",
    "npm": "npm",
    "pypi": "python",
    "maven": "java-archive",
    "gem": "gem",
    "cargo": "rust-crate",
}
_TYPES |= {
    "generic": "binary",
    "nuget": "dotnet",
    "composer": "php-composer",
    "alpm": "alpm",
    "hex": "hex",
    "pub": "dart-pub",
}
_LANGUAGES = {
    "golang": "go",
    "npm": "javascript",
    "pypi": "python",
    "maven": "java",
    "gem": "ruby",
    "cargo": "rust",
}
_LANGUAGES |= {"nuget": "dotnet", "composer": "php", "hex": "elixir", "pub": "dart"}
_MATCHERS = {"deb": "dpkg-matcher", "rpm": "rpm-matcher", "apk": "apk-matcher", "golang": "go-module-matcher"}
_MATCHERS |= {
    "npm": "javascript-matcher",
    "pypi": "python-matcher",
    "maven": "java-matcher",
    "gem": "ruby-gem-matcher",
}
_MATCHERS |= {"cargo": "rust-matcher", "nuget": "dotnet-matcher"}
_DETAILS = {"package": "exact-direct-match", "source package": "exact-indirect-match", "CPE": "cpe-match"}
_VERSION_KINDS = {
    "deb": "dpkg",
    "rpm": "rpm",
    "apk": "apk",
    "golang": "go",
    "maven": "maven",
    "gem": "gem",
    "pypi": "python",
}


@format("grype-json", suffix=".grype.json", report=ImageReport)
def grype_json(report: ImageReport, out: IO[str], page: Page) -> None:
    distro = report.sbom.distro
    document: dict[str, Any] = {
        "matches": [_match(match) for match in report.vulnerabilities],
        "source": _source(report),
        "distro": {"name": distro.id, "version": distro.version, "idLike": list(distro.like) or None},
        "descriptor": {
            "name": "leadline",
            "version": page.version,
            "timestamp": page.at,
            "db": {"status": {"built": report.database.built, "valid": True}} if report.database else {},
        },
    }
    if report.suppressed:
        document["ignoredMatches"] = [_ignored(one) for one in report.suppressed]
    out.write(json_text(document) + "\n")


def _match(match: Match) -> dict[str, Any]:
    return {
        "vulnerability": _vulnerability(match),
        "relatedVulnerabilities": [
            {"id": name, "dataSource": page_of(name), "namespace": "", "severity": "", "urls": [], "cvss": []}
            for name in match.aliases
        ],
        "matchDetails": [_detail(match, one) for one in match.evidence],
        "artifact": _artifact(match.package),
    }


def _ignored(one: Suppressed) -> dict[str, Any]:
    rule = {
        "vulnerability": one.match.id,
        "reason": f"{one.by}: {one.why}",
        "package": {"name": one.match.package.name},
    }
    return {**_match(one.match), "appliedIgnoreRules": [rule]}


def _vulnerability(match: Match) -> dict[str, Any]:
    links = list(match.references)
    written: dict[str, Any] = {
        "id": match.id,
        "dataSource": page_of(match.id) or (links[0] if links else ""),
        "namespace": _namespace(match),
        "severity": match.severity.capitalize(),
        "urls": links,
        "description": match.summary,
        "cvss": [_cvss(one.vector, one.score, one.by) for one in match.cvss],
        "fix": {"versions": list(match.fixed_in), "state": _STATES.get(match.state, "unknown")},
        "advisories": [],
        "risk": round(risk(match), 2),
    }
    if match.chance:
        chance = match.chance
        written["epss"] = [{"cve": chance.id, "epss": chance.chance, "percentile": chance.percentile}]
    if match.exploited:
        use = "Known" if match.exploited.by_ransomware else "Unknown"
        written["knownExploited"] = [
            {
                "cve": match.exploited.id,
                "dateAdded": match.exploited.since,
                "dueDate": match.exploited.due,
                "knownRansomwareCampaignUse": use,
            }
        ]
    if match.weaknesses:
        written["cwes"] = [{"cve": match.id, "cwe": cwe} for cwe in match.weaknesses]
    return written


def _cvss(vector: str, score: float, by: str) -> dict[str, Any]:
    prefix, _, _ = vector.partition("/")
    version = prefix.removeprefix("CVSS:") if prefix.startswith("CVSS:") else "2.0"
    return {
        "source": by,
        "type": "Primary" if by == "nvd@nist.gov" else "Secondary",
        "version": version,
        "vector": vector,
        "metrics": {"baseScore": score},
        "vendorMetadata": {},
    }


def _namespace(match: Match) -> str:
    first = match.evidence[0] if match.evidence else None
    if first is None or first.how == "CPE":
        return "nvd:cpe"
    if match.package.type in _LANGUAGES:
        return f"github:language:{_LANGUAGES[match.package.type]}"
    name, _, release = first.ecosystem.partition(":")
    family = name.lower().replace(" ", "")
    return f"{family}:distro:{family}:{release}" if release else f"{family}:distro:{family}:rolling"


def _detail(match: Match, one: Evidence) -> dict[str, Any]:
    package = match.package
    kind = _VERSION_KINDS.get(package.type, "unknown")
    is_indirect = one.how == "source package" and package.source_version
    written: dict[str, Any] = {
        "type": _DETAILS[one.how],
        "matcher": _MATCHERS.get(package.type, "stock-matcher"),
        "searchedBy": {
            "namespace": _namespace(match),
            "package": {
                "name": one.package,
                "version": package.source_version if is_indirect else package.version,
            },
        },
        "found": {
            "vulnerabilityID": one.advisory,
            "versionConstraint": f"{'none' if one.versions == 'every version' else one.versions} ({kind})",
        },
    }
    if match.fixed_in:
        written["fix"] = {"suggestedVersion": match.fixed_in[0]}
    return written


def _artifact(package: Package) -> dict[str, Any]:
    url = package_url(package)
    name = package.name
    if package.namespace and package.type in ("golang", "npm", "composer"):
        name = f"{package.namespace}/{name}"
    upstream = {"name": package.source} | (
        {"version": package.source_version} if package.source_version else {}
    )
    return {
        "id": key_of(f"{package.type} {url} {package.found_in}"),
        "name": name,
        "version": package.version,
        "type": _TYPES.get(package.type, package.type),
        "locations": [{"path": f"/{place}", "layerID": package.layer} for place in package.found_in],
        "language": _LANGUAGES.get(package.type, ""),
        "licenses": list(package.licenses),
        "cpes": list(package.cpes),
        "purl": url,
        "upstreams": [upstream] if package.source else [],
    }


def _source(report: ImageReport) -> dict[str, Any]:
    image = report.sbom.image
    if image.kind == "directory":
        return {"type": "directory", "target": image.name}
    return {
        "type": "image",
        "target": {
            "userInput": image.name,
            "imageID": image.id,
            "manifestDigest": image.digest,
            "mediaType": "",
            "tags": list(image.repo_tags),
            "imageSize": image.size_bytes,
            "layers": [{"mediaType": "", "digest": layer, "size": 0} for layer in image.layers],
            "repoDigests": [],
            "architecture": image.platform.split("/")[1] if "/" in image.platform else "",
            "os": image.platform.partition("/")[0],
        },
    }
