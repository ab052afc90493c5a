"""The findings of a report as pages list them: one row for each edit at one place, ready to be shown and searched."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter

from msgspec import Struct

from leadline.model.control import SEVERITIES, Control
from leadline.model.report import PostureReport
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.edit_rows import (
    EditGroup,
    EditRow,
    Title,
    breadth_of,
    edit_groups,
    edit_row,
    ordered,
    subject_text,
)
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, place_text, titles_of
from leadline.outputs.rows.remediation import fix

CLUSTER = "(cluster)"
"""Stands for the namespace of what is in none."""
FACETS = ("severity", "namespace", "kind", "control")
_MOST_VALUES = 12
"""Of one facet that are offered."""


class Row(Struct, frozen=True, gc=False):
    """One edit."""

    key: str
    severity: str
    problem: str
    controls: tuple[str, ...]
    subject: str
    namespace: str
    kind: str
    place: str
    fix: str
    edit: EditRow
    text: str
    """All of it in small letters, for the search."""


class Choice(Struct, frozen=True):
    """Which rows are wanted. Values of one facet are alternatives; of several facets all have to hold."""

    severity: tuple[str, ...] = ()
    namespace: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    words: str = ""

    @property
    def is_everything(self) -> bool:
        return not (self.severity or self.namespace or self.kind or self.control or self.words)


class Rows:
    """Every row, the most urgent first."""

    def __init__(self, report: PostureReport, before: "Rows | None" = None) -> None:
        """``before`` are those of an earlier moment: of an edit whose findings are the same objects the row stays."""
        places, title = FindingPlaces(report, NoPlaces()), titles_of(report)
        controls = {control.id: control for control in report.controls}
        known = before.kept if before is not None else {}
        # Of the same findings only those with a line may belong elsewhere by now.
        keys = {id(one): key for key, (old, _) in known.items() for one in old.findings if one.place is None}
        groups = edit_groups(report, places, known=keys)
        breadth = breadth_of(groups)
        orders: dict[frozenset[str], tuple[Control, ...]] = {}
        once: dict[str, str] = {}
        self.kept: dict[tuple[object, ...], tuple[EditGroup, Row]] = {}
        self.made = 0
        """Rows that were not there before."""
        for key, group in groups.items():
            ids = frozenset([finding.control for finding in group.findings])
            if (those := orders.get(ids)) is None:
                those = orders[ids] = ordered(group, controls, breadth)
            old = known.get(key)
            if old is not None and old[0] == group and old[1].edit.controls == those:
                self.kept[key] = old
                continue
            self.made += 1
            self.kept[key] = group, _row(edit_row(group, those, report, places, title), report, title, once)
        ranks = {id: urgency(control)[:2] for id, control in controls.items()}
        self.all = tuple(
            sorted((row for _, row in self.kept.values()), key=lambda row: ranks[row.controls[0]])
        )
        self.by_key = {row.key: row for row in self.all}
        self.of_object: dict[str, list[Row]] = {}
        for row in self.all:
            for subject in row.edit.subjects:
                self.of_object.setdefault(subject, []).append(row)
        self._counts = _counted(self.all)

    def chosen(self, choice: Choice) -> Sequence[Row]:
        rows: Sequence[Row] = self.all
        for word in choice.words.lower().split():
            rows = [row for row in rows if word in row.text]
        if choice.severity:
            rows = [row for row in rows if row.severity in choice.severity]
        if choice.namespace:
            rows = [row for row in rows if row.namespace in choice.namespace]
        if choice.kind:
            rows = [row for row in rows if row.kind in choice.kind]
        if choice.control:
            wanted = frozenset(choice.control)
            rows = [row for row in rows if not wanted.isdisjoint(row.controls)]
        return rows

    def facets(self, rows: Sequence[Row], choice: Choice) -> Mapping[str, tuple[tuple[str, int, bool], ...]]:
        """For each facet its most frequent values: how many of ``rows`` have them, and whether they are chosen."""
        counts = self._counts if choice.is_everything else _counted(rows)
        found = {}
        for name in FACETS:
            chosen: tuple[str, ...] = getattr(choice, name)
            ranked = counts[name].most_common(_MOST_VALUES)
            if name == "severity":
                ranked = [(one, counts[name][one]) for one in SEVERITIES if counts[name][one]]
            # What is chosen stays offered, or it could not be taken back.
            missing = [(one, counts[name][one]) for one in chosen if one not in dict(ranked)]
            found[name] = tuple((value, number, value in chosen) for value, number in (*ranked, *missing))
        return found


def object_key(id: str) -> str:
    """What an object is called in an address: short, and the same as long as the object is called so."""
    return hashlib.blake2s(id.encode(), digest_size=8).hexdigest()


def _counted(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    rows = tuple(rows)
    counts = {name: Counter(map(attrgetter(name), rows)) for name in FACETS[:-1]}
    counts["control"] = Counter(chain.from_iterable(map(attrgetter("controls"), rows)))
    return counts


def _row(edit: EditRow, report: PostureReport, title: Title, once: dict[str, str]) -> Row:
    """``once`` holds texts that many rows have, so that each is kept once."""
    first = report.resource(edit.subjects[0])
    subject, what = subject_text(edit, report, title), fix(edit.finding)
    place = place_text(report.resource(edit.finding.on), edit.place)
    controls = tuple(control.id for control in edit.controls)
    finding = edit.finding
    key = object_key("\0".join((finding.resource, *finding.edit)))
    return Row(
        key,
        edit.severity,
        edit.problem,
        controls,
        once.setdefault(subject, subject),
        first.namespace or CLUSTER,
        first.kind,
        once.setdefault(place, place),
        once.setdefault(what, what),
        edit,
        "\n".join((edit.problem, subject, place, what, *controls)).lower(),
    )
