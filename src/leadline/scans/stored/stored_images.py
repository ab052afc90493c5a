"""The image results of a store: a row for each image, or the report about one."""

from collections import Counter
from typing import Any

import orjson

from leadline.api.kind import PREFIX
from leadline.api.protocol import Entry, Store
from leadline.errors import SourceError
from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import RATINGS, Match
from leadline.scans.stored.image_results import MANIFESTS, is_filtered, stored_image
from leadline.scans.stored.scan_runs import all_of

Row = dict[str, Any]


async def image_rows(store: Store) -> list[Row]:
    """The worst first. Raises: ``StoreError``."""
    rows = [_row(entry) for entry in await _of_images(store)]
    return sorted(rows, key=lambda r: ([-r["vulnerabilities"].get(name, 0) for name in RATINGS], r["image"]))


async def stored_image_of(store: Store, image: str) -> ImageReport:
    """The report about ``image``, by its name or the beginning of its id, as it was written.

    Of what another tool wrote, as much as is stored. Raises: ``SourceError`` where there is none, ``StoreError``.
    """
    entries = await _of_images(store)
    named = [entry for entry in entries if image in _names(entry)]
    found = named or [entry for entry in entries if _has_id(entry, image)]
    if not found:
        raise SourceError(
            f"no results of {image} are stored", hint="'leadline get images' lists those that are"
        )
    newest = max(found, key=lambda entry: entry.revision)
    return stored_image(newest.content.body) or foreign_image(newest)


async def _of_images(store: Store) -> list[Entry]:
    return [one for one in await all_of(store, MANIFESTS) if not is_filtered(one.content.metadata)]


def _row(entry: Entry) -> Row:
    annotations = _annotations(entry)
    matches = _payload(entry).get("matches") or ()
    counts = Counter(
        str((match.get("vulnerability") or {}).get("severity") or "unknown").lower() for match in matches
    )
    return {
        "image": annotations.get(f"{PREFIX}image-tag") or entry.key.name,
        "id": annotations.get(f"{PREFIX}image-id", ""),
        "scanned": annotations.get(f"{PREFIX}timestamp", ""),
        "isMatched": annotations.get(f"{PREFIX}status") != "incomplete",
        "vulnerabilities": {name: counts[name] for name in RATINGS},
    }


def _names(entry: Entry) -> set[str]:
    return {entry.key.name, str(_annotations(entry).get(f"{PREFIX}image-tag", ""))}


def _has_id(entry: Entry, image: str) -> bool:
    id = str(_annotations(entry).get(f"{PREFIX}image-id", ""))
    return (
        len(image) >= 6
        and bool(id)
        and (id.startswith(image) or id.removeprefix("sha256:").startswith(image))
    )


def _annotations(entry: Entry) -> Row:
    found = orjson.loads(entry.content.metadata).get("annotations")
    return found if isinstance(found, dict) else {}


def _payload(entry: Entry) -> Row:
    spec = orjson.loads(entry.content.body).get("spec") or {}
    payload = spec.get("payload")
    return payload if isinstance(payload, dict) else {}


def foreign_image(entry: Entry) -> ImageReport:
    """As much as is stored of what another tool wrote."""
    annotations = _annotations(entry)
    image = ImageIdentity(
        str(annotations.get(f"{PREFIX}image-tag") or entry.key.name),
        id=str(annotations.get(f"{PREFIX}image-id", "")),
    )
    matches = tuple(_match(match) for match in _payload(entry).get("matches") or ())
    packages = tuple(dict.fromkeys(match.package for match in matches))
    why = "another tool stored it: packages without a vulnerability are not shown"
    return ImageReport(Sbom(image, packages), (), (why,), vulnerabilities=matches)


def _match(written: Row) -> Match:
    about, artifact = written.get("vulnerability") or {}, written.get("artifact") or {}
    fix = about.get("fix") or {}
    severity = str(about.get("severity") or "").lower()
    fixed_in = tuple(map(str, fix.get("versions") or ()))
    package = Package(
        str(artifact.get("type") or ""), str(artifact.get("name") or ""), str(artifact.get("version") or "")
    )
    return Match(
        str(about.get("id") or ""),
        package,
        severity=next((name for name in RATINGS if name == severity), "unknown"),
        state="fixed" if fixed_in else "unknown",
        fixed_in=fixed_in,
        summary=str(about.get("description") or ""),
        references=tuple(map(str, about.get("urls") or ())),
        loaded=written.get("relevant") if isinstance(written.get("relevant"), bool) else None,
    )
