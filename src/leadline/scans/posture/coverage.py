"""Why a scan came to no verdict."""

from leadline.model.report import PostureReport
from leadline.outputs.rows.summary import target_name
from leadline.outputs.text.plain import count, plain
from leadline.scans.options import PostureOptions
from leadline.scans.posture.selection import in_namespaces

_NAMESPACES = 5
"""Named where others were chosen."""


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
    return f"nothing to judge in {name}: no file with the ending .yaml, .yml or .json holds an object"


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
