"""What the person at the other end reads: one line for each edit, most urgent first, however many controls ask for it."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from leadline.model.control import Control
from leadline.model.finding import Finding
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import count, plain

MOST_IDS = 4
"""Of controls in one line."""
LONGEST_LINE = 240
LONGEST_NAME = 60
"""Of an object, in front of a warning."""


class Row(Struct, frozen=True):
    """One edit and the controls that ask for it, most urgent first."""

    controls: tuple[Control, ...]
    finding: Finding


def rows_of(findings: Iterable[Finding], controls: Mapping[str, Control]) -> list[Row]:
    asking: dict[tuple[str, str, str, str], dict[str, Finding]] = {}
    for finding in findings:
        asking.setdefault(finding.edit, {}).setdefault(finding.control, finding)
    rows = []
    for found in asking.values():
        ranked = sorted((one.control_of(controls) for one in found.values()), key=urgency)
        rows.append(Row(tuple(ranked), found[ranked[0].id]))
    return sorted(rows, key=lambda row: urgency(row.controls[0]))


def line_of(row: Row, longest: int = LONGEST_LINE) -> str:
    """``C-0057 critical Privileged container: remove spec.containers[0].securityContext.privileged``."""
    ids = ",".join(control.id for control in row.controls[:MOST_IDS])
    more = f" and {len(row.controls) - MOST_IDS} more" if len(row.controls) > MOST_IDS else ""
    first = row.controls[0]
    head = f"{ids}{more} {first.severity} {first.problem or first.title}: "
    return plain(f"{head}{_shortened(fix(row.finding), longest - len(head))}", longest)


def about(kind: str, name: str) -> str:
    """``Deployment/web: leadline: ``, at the start of each warning: kubectl shows equal lines of several objects once."""
    said = f"{kind}/{name}" if kind and name else kind
    head = plain(_shortened(said, LONGEST_NAME), LONGEST_NAME)
    return f"{head}: leadline: " if head else "leadline: "


def lines_of(rows: Sequence[Row], most: int, longest: int = LONGEST_LINE) -> list[str]:
    """At most ``most``, of which the last says how many there are as well."""
    if len(rows) <= most:
        return [line_of(row, longest) for row in rows]
    shown = [line_of(row, longest) for row in rows[: most - 1]]
    return [*shown, f"and {count(len(rows) - len(shown), 'finding')} more; leadline scan shows all"]


def _shortened(text: str, longest: int) -> str:
    """Cut in the middle: where a path begins says less than where it ends."""
    if len(text) <= longest:
        return text
    half = max(1, (longest - 1) // 2)
    return f"{text[:half]}…{text[-half:]}"
