"""Why a scan came to no verdict, and of which nodes it knows nothing, or nothing of late."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.rows.summary import target_name
from leadline.outputs.text.plain import count, plain
from leadline.posture.fact_kinds import HOST
from leadline.scans.options import PostureOptions
from leadline.scans.posture.selection import in_namespaces

_NAMESPACES = 5
"""Named where others were chosen."""
_NODES = 5
_FACTS = HOST.removeprefix(".")
OLDEST_FACTS_DAYS = 3
"""Agents write everything once a day, so that older facts are of an agent that does not run."""
_AGENT = "look at the pod of the DaemonSet on that node"


def unread_nodes(resources: Iterable[Resource], now: datetime) -> Iterator[Unread]:
    """Nodes whose facts are old, and nodes without any where agents write those of others."""
    sensed: dict[str, str] = {}
    nodes: list[str] = []
    for one in resources:
        if one.kind == "Node" and one.api_version == "v1":
            nodes.append(one.name)
        elif one.group == _FACTS:
            status = one.body.get("status")
            at = status.get("lastSensed") if isinstance(status, dict) else None
            # Facts that a person read and gave bear no date.
            if isinstance(at, str):
                sensed[one.name] = max(sensed.get(one.name, ""), at)
    for name, at in sorted(sensed.items()):
        if why := _why_old(at, now):
            yield Unread(f"facts of the node {plain(name)}", why, "incomplete", hint=_AGENT)
    if sensed and (missing := sorted(set(nodes) - sensed.keys())):
        named = ", ".join(map(plain, missing[:_NODES])) + (", …" if len(missing) > _NODES else "")
        why = f"{len(missing):,} of {count(len(nodes), 'node')} without facts: {named}"
        yield Unread("facts of nodes", why, "missing", hint=_AGENT)


def _why_old(at: str, now: datetime) -> str:
    try:
        age = now - datetime.fromisoformat(at)
    except (ValueError, TypeError):
        return "when they were read is not known"
    if age.days < -1:
        return f"dated in the future, {plain(at[:10])}: when they were read is not known"
    old = f"read {plain(at[:10])}, {count(age.days, 'day')} ago, and not since"
    return old if age.days >= OLDEST_FACTS_DAYS else ""


def why_no_verdict(report: PostureReport, ignored: int, options: PostureOptions) -> str:
    """Why nothing was judged; empty where something was judged. ``ignored`` files and folders were left out."""
    if any(report.judged):
        return ""
    name = target_name(report)
    if report.objects:
        return f"nothing could be judged in {name}: {count(report.objects, 'object')}, {_why_not_judged(report, options)}"
    if report.unread:
        return f"nothing could be judged in {name}: {len(report.unread):,} not read, the first {_first_unread(report)}"
    if report.not_kubernetes:
        documents = count(report.not_kubernetes, "document")
        return f"nothing to judge in {name}: {documents}, none with apiVersion and kind"
    if report.target.kind == "stdin":
        return "nothing to judge in standard input: it is empty"
    if report.target.kind == "file":
        return f"nothing to judge in {name}: it holds no object"
    if ignored:
        left_out = count(ignored, "file or folder is", "files or folders are")
        return f"nothing to judge in {name}: {left_out} left out by an ignore file or an excluded path"
    if report.charts or report.kustomizations:
        rendered = [count(report.charts, "chart")] if report.charts else []
        rendered += [count(report.kustomizations, "kustomization")] if report.kustomizations else []
        return f"nothing to judge in {name}: {' and '.join(rendered)}, rendered to no object"
    return f"nothing to judge in {name}: no .yaml, .yml or .json file holds an object, and no file is a Dockerfile"


def _why_not_judged(report: PostureReport, options: PostureOptions) -> str:
    """Why none of the objects that were read could be judged."""
    chosen = in_namespaces(options)
    if chosen and not any(map(chosen, report.resources)):
        present = sorted({plain(resource.namespace) for resource in report.resources if resource.namespace})
        there = f"; there are {', '.join(present[:_NAMESPACES])}" if present else ""
        return f"none in the chosen namespaces{there}"
    not_judged = [skip for skip in report.skips if skip.kind not in ("no objects", "not applicable")]
    if len(not_judged) == len(report.controls):
        return f"{not_judged[0].control}: {not_judged[0].why}"
    if len(report.skips) == len(report.controls) == 1:
        return f"{report.skips[0].control}: {report.skips[0].why}"
    return "none that a chosen control looks at"


def _first_unread(report: PostureReport) -> str:
    unread = report.unread[0]
    return f"{unread.where}{f':{unread.line}' if unread.line else ''}: {unread.why}"
