"""``leadline diff``: what is new and what is gone between two scans."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES, Severity
from leadline.outputs.baseline import SeenFinding
from leadline.outputs.json_text import json_text
from leadline.outputs.plain import count, plain, wrapped
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.flags import chart_flags, cluster_flags, path_flag, quiet_flag
from leadline.programs.cli.progress import progress
from leadline.programs.cli.scan_request import GRADES, options_of, request_without_report
from leadline.programs.cli.terminal import width_of
from leadline.scans.baselines import Compared, compare_sides

EPILOG = """
\b
  leadline diff deploy/@main deploy/
      a folder now and at a revision of its repository
  leadline diff deploy/ cluster
      files and the cluster of the current context
  leadline diff monday.json tuesday.json
      two reports (scan -f report) or baselines

Exit codes: 0 done, 1 something new at or above --severity-threshold, 2 wrong usage, 3 a side could not be read.
"""
_USUAL_WIDTH = 100


@click.command("diff", epilog=EPILOG)
@click.argument("old")
@click.argument("new")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Exit 1 on something new at or above it."
)
@path_flag
@cluster_flags
@chart_flags
@quiet_flag
@configured("diff", lambda flags: tuple(map(_path_of, (flags["old"], flags["new"]))))
def command(old: str, new: str, format: str, severity_threshold: str, **flags: Any) -> int:
    """What is new and what is gone between OLD and NEW: reports, baselines, paths, PATH@REVISION, git addresses, cluster."""
    threshold = severity_threshold.strip().lower()
    if threshold and threshold not in GRADES:
        raise UsageError(
            f"--severity-threshold must be one of {', '.join(reversed(GRADES))} (got {threshold})"
        )
    request = request_without_report((), flags)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with progress(f"comparing {old} and {new}", is_wanted=not request.quiet) as display:
        both = compare_sides(old, new, options_of(request, display.say, with_scores=False), at)
    severities = {control.id: control.severity for control in load_controls()}
    fresh = [both.new.findings[number] for number in both.difference.new]
    if format == "json":
        click.echo(json_text(_document(both)))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in _lines(both, severities, width):
            click.echo(line)
    grave = SEVERITIES[: SEVERITIES.index(threshold) + 1] if threshold else ()
    return 1 if any(severities.get(seen.control, "unknown") in grave for seen in fresh) else 0


def _path_of(side: str) -> str:
    """The path of ``deploy/@main``."""
    return side if "://" in side else side.partition("@")[0]


def _document(both: Compared) -> dict[str, object]:
    found = both.difference
    by_rules = found.by_rules
    return {
        "old": both.old.target,
        "new": [
            {**msgspec.to_builtins(both.new.findings[n]), "because": "rules" if n in by_rules else "input"}
            for n in found.new
        ],
        "gone": [msgspec.to_builtins(seen) for seen in found.gone],
        "notSeenAgain": [msgspec.to_builtins(seen) for seen in found.unseen],
        "unchanged": sum(one is not None for one in found.known),
        "notRead": list(both.new.unread),
    }


def _lines(both: Compared, severities: Mapping[str, Severity], width: int) -> Iterator[str]:
    found = both.difference
    by_input = [both.new.findings[n] for n in found.new if n not in found.by_rules]
    by_rules = [both.new.findings[n] for n in found.new if n in found.by_rules]
    yield from _group("+", "new", by_input, severities, width)
    yield from _group("+", "new, by controls that did not judge before", by_rules, severities, width)
    yield from _group("-", "gone", found.gone, severities, width)
    yield from _group(
        "?",
        "not seen again: the control judges nothing now, or the file is not read",
        found.unseen,
        severities,
        width,
    )
    unchanged = sum(one is not None for one in found.known)
    unread = f", {len(both.new.unread):,} not read" if both.new.unread else ""
    more = f", {len(found.unseen):,} not seen again" if found.unseen else ""
    yield f"{len(found.new):,} new, {len(found.gone):,} gone, {unchanged:,} unchanged{more}{unread}"


def _group(
    sign: str, head: str, findings: Sequence[SeenFinding], severities: Mapping[str, Severity], width: int
) -> Iterator[str]:
    if not findings:
        return
    yield from wrapped(f"{head}  {count(len(findings), 'finding')}", width)
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    ranked = sorted(
        findings,
        key=lambda s: (order.get(severities.get(s.control, "unknown"), 9), s.object, s.control, s.path),
    )
    for seen in ranked:
        severity = severities.get(seen.control, "unknown")
        what = f" {plain(seen.edit)}" if seen.edit else ""
        text = f"{severity} {plain(seen.control)} {title_of(seen.object)}{what} {plain(seen.path)}"
        first, *rest = wrapped(text, width - 4)
        yield f"  {sign} {first}"
        yield from (f"      {line}" for line in rest)
    yield ""


def title_of(object: str) -> str:
    """``shop/Deployment/web`` of ``apps/Deployment/shop/web``."""
    own = object.partition(">")[0].split("/")
    if len(own) != 4:
        return plain(object)
    _, kind, namespace, name = own
    return plain(f"{namespace}/{kind}/{name}" if namespace else f"{kind}/{name}")
