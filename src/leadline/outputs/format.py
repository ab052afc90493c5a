"""All that a format file imports: a format is a pure function from a report to text."""

from leadline.model.control import (
    SEVERITIES,
    YOUR_VALUE,
    Control,
    Framework,
    Missing,
    Remove,
    Review,
    Set,
    Severity,
)
from leadline.model.finding import Finding, Place, Skip, Unread
from leadline.model.package import Sbom
from leadline.model.report import ControlCount, PostureReport, Waived
from leadline.model.resource import Resource, joined
from leadline.outputs.addresses import path_of, uri_of
from leadline.outputs.allowance import MOST_DRAWN, Allowance, ResultRoom
from leadline.outputs.baseline import baseline_facts, dated_baseline, encoded_baseline
from leadline.outputs.command_lines import broken_at, side_by_side
from leadline.outputs.control_groups import ControlGroup, control_groups
from leadline.outputs.counters import Counters, category_of, resource_counters, skip_info, status_info
from leadline.outputs.coverage_text import not_seen
from leadline.outputs.edit_rows import EditRow, edit_line, edit_rows, failing_text, subject_text
from leadline.outputs.excerpt import Excerpt, Line, excerpts
from leadline.outputs.finding_places import FindingPlaces
from leadline.outputs.fingerprints import Fingerprints
from leadline.outputs.format_registry import Asked, Format, Page, find_format, format, formats_for
from leadline.outputs.json_text import json_text, with_marks_escaped
from leadline.outputs.objects_elsewhere import prevention_text, preventions
from leadline.outputs.overview import area_lines, first_fixes_of, first_lines, view_lines
from leadline.outputs.passed_over import passed_over
from leadline.outputs.place import (
    NoPlaces,
    Places,
    file_of,
    missing_part,
    place_text,
    stable_path,
    steering,
    value_at,
)
from leadline.outputs.plain import columns, count, padded, plain, source_line, value_text, wrapped
from leadline.outputs.redaction.lines import redacted_lines
from leadline.outputs.redaction.shapes import HIDDEN
from leadline.outputs.remediation import ControlText, control_text, fix, why
from leadline.outputs.report_document import encode
from leadline.outputs.sealing import sealed
from leadline.outputs.summary import (
    blocked_by_access,
    closing,
    controls_that_judged,
    denied_rules,
    not_judged,
    per_cent,
    scanned,
    scores,
    severity_counts,
    target_name,
)
from leadline.outputs.timestamps import content_uuid
from leadline.outputs.titles import titles_of
from leadline.outputs.waiver_text import (
    exception_facts,
    odd_waivers,
    waived_text,
    waiver_facts,
    waiver_lines,
    why_accepted,
)

__all__ = [
    "HIDDEN",
    "MOST_DRAWN",
    "SEVERITIES",
    "YOUR_VALUE",
    "Allowance",
    "Asked",
    "Control",
    "ControlCount",
    "ControlGroup",
    "ControlText",
    "Counters",
    "EditRow",
    "Excerpt",
    "Finding",
    "FindingPlaces",
    "Fingerprints",
    "Format",
    "Framework",
    "Line",
    "Missing",
    "NoPlaces",
    "Page",
    "Place",
    "Places",
    "PostureReport",
    "Remove",
    "Resource",
    "ResultRoom",
    "Review",
    "Sbom",
    "Set",
    "Severity",
    "Skip",
    "Unread",
    "Waived",
    "area_lines",
    "baseline_facts",
    "blocked_by_access",
    "broken_at",
    "category_of",
    "closing",
    "columns",
    "content_uuid",
    "control_groups",
    "control_text",
    "controls_that_judged",
    "count",
    "dated_baseline",
    "denied_rules",
    "edit_line",
    "edit_rows",
    "encode",
    "encoded_baseline",
    "exception_facts",
    "excerpts",
    "failing_text",
    "file_of",
    "find_format",
    "first_fixes_of",
    "first_lines",
    "fix",
    "format",
    "formats_for",
    "joined",
    "json_text",
    "missing_part",
    "not_judged",
    "not_seen",
    "odd_waivers",
    "padded",
    "passed_over",
    "path_of",
    "per_cent",
    "place_text",
    "plain",
    "prevention_text",
    "preventions",
    "redacted_lines",
    "resource_counters",
    "scanned",
    "scores",
    "sealed",
    "severity_counts",
    "side_by_side",
    "skip_info",
    "source_line",
    "stable_path",
    "status_info",
    "steering",
    "subject_text",
    "target_name",
    "titles_of",
    "uri_of",
    "value_at",
    "value_text",
    "view_lines",
    "waived_text",
    "waiver_facts",
    "waiver_lines",
    "why",
    "why_accepted",
    "with_marks_escaped",
    "wrapped",
]
