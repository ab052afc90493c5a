"""The difference of two images, for a person and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from leadline.model.image_report import ImageReport
from leadline.model.vulnerability import Match
from leadline.outputs.rows.vulnerability_rows import fix_text, severities, shown_name
from leadline.outputs.text.plain import columns, count, plain, wrapped
from leadline.sbom.diff import ImageDiff, PackageChange, image_diff

_ROWS = 20


def compared_images(before: ImageReport, after: ImageReport) -> ImageDiff:
    """What changed from ``before`` to ``after``."""
    return image_diff(before, after)


def diff_lines(diff: ImageDiff, width: int, *, verbose: bool) -> Iterator[str]:
    """What came first, as that is what a reader has to decide on."""
    yield f"{plain(diff.before.sbom.image.name)} -> {plain(diff.after.sbom.image.name)}"
    yield ""
    if diff.after.database is not None and diff.before.database is not None:
        yield from _matches("new", diff.new, width, verbose=verbose)
        yield from _matches("fixed", diff.fixed, width, verbose=verbose)
    yield from _packages(diff.packages, width, verbose=verbose)
    yield from wrapped(summary(diff), width)


def _matches(label: str, matches: Sequence[Match], width: int, *, verbose: bool) -> Iterator[str]:
    shown = matches if verbose else matches[:_ROWS]
    for match in shown:
        text = f"{plain(shown_name(match.package))} {plain(match.package.version)}"
        fix = f", {plain(fix_text(match))}" if label == "new" else ""
        line = f"{label:<6} {match.severity:<10}  {plain(match.id)}  {text}{fix}"
        if columns(line) <= width:
            yield line
        else:
            yield f"{label:<6} {match.severity:<10}  {plain(match.id)}"
            yield from (f"  {part}" for part in wrapped(f"{text}{fix}", width - 2))
    if len(shown) < len(matches):
        yield f"and {len(matches) - len(shown):,} more, -v shows them"
    if matches:
        yield ""


def _packages(changes: Sequence[PackageChange], width: int, *, verbose: bool) -> Iterator[str]:
    shown = changes if verbose else changes[:_ROWS]
    for one in shown:
        name = plain(f"{one.namespace}/{one.name}" if one.namespace and one.type not in _PLAIN else one.name)
        before, after = (plain(", ".join(versions)) for versions in (one.before, one.after))
        text = f"{before} -> {after}" if before and after else before or after
        mark = "~" if one.before and one.after else "-" if one.before else "+"
        yield from wrapped(f"{mark} {one.type} {name} {text}", width)
    if len(shown) < len(changes):
        yield f"and {len(changes) - len(shown):,} more, -v shows them"
    if changes:
        yield ""


_PLAIN = frozenset(("alpm", "apk", "deb", "rpm"))


def summary(diff: ImageDiff) -> str:
    """``3 packages changed; 2 fixed: 2 high; 1 new: 1 low; 7 stayed``."""
    packages = f"{count(len(diff.packages), 'package')} changed" if diff.packages else "the same packages"
    if diff.after.database is None or diff.before.database is None:
        return f"{packages}; vulnerabilities not matched"
    parts = [packages]
    for label, matches in (("fixed", diff.fixed), ("new", diff.new)):
        parts.append(f"{len(matches):,} {label}{f': {severities(matches)}' if matches else ''}")
    return "; ".join([*parts, f"{diff.kept:,} stayed"])


def diff_json(diff: ImageDiff) -> dict[str, Any]:
    """``fixed`` and ``new`` are ``null`` where nothing was matched, so that no one takes it for none."""
    is_matched = diff.before.database is not None and diff.after.database is not None
    return {
        "version": 1,
        "before": {"name": diff.before.sbom.image.name, "digest": diff.before.sbom.image.digest},
        "after": {"name": diff.after.sbom.image.name, "digest": diff.after.sbom.image.digest},
        "packages": [
            {
                "type": one.type,
                "namespace": one.namespace,
                "name": one.name,
                "before": list(one.before),
                "after": list(one.after),
            }
            for one in diff.packages
        ],
        "fixed": [_match(match) for match in diff.fixed] if is_matched else None,
        "new": [_match(match) for match in diff.new] if is_matched else None,
        "kept": diff.kept if is_matched else None,
    }


def _match(match: Match) -> dict[str, Any]:
    return {
        "id": match.id,
        "severity": match.severity,
        "package": shown_name(match.package),
        "version": match.package.version,
        "fixedIn": list(match.fixed_in),
    }
