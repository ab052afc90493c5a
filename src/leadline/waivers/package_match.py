"""Whether a package URL is the one that a waiver names (https://github.com/package-url/purl-spec)."""

from functools import lru_cache
from typing import Any

LONGEST = 4096


def is_package(wanted: str, purl: str) -> bool:
    """``wanted`` without a version means every version, without qualifiers any; ``purl`` is that of the package."""
    if not purl:
        return False
    asked, found = _parts(wanted), _parts(purl)
    if asked is None or found is None:
        return False
    *names, version, qualifiers, subpath = asked
    *found_names, found_version, found_qualifiers, found_subpath = found
    return bool(
        names == found_names
        and version in ("", found_version)
        and qualifiers.items() <= found_qualifiers.items()
        and subpath in ("", found_subpath)
    )


def why_no_purl(text: str) -> str:
    """Why ``text`` names no package; empty where it does."""
    return "" if _parts(text) is not None else f"subcomponents: {text[:80]} is not a package URL"


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, str, str, str, dict[str, str], str] | None:
    from packageurl import PackageURL  # seldom is a package named that way

    try:
        url = PackageURL.from_string(text) if len(text) <= LONGEST else None
    except ValueError:
        return None
    if url is None:
        return None
    qualifiers: Any = url.qualifiers or {}
    return (url.type, url.namespace or "", url.name, url.version or "", dict(qualifiers), url.subpath or "")
