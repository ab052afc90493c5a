"""What pages are made of: what is known at one moment, as far as one user may see it."""

import shlex
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.api.protocol import Readable
from leadline.kube.workload import POD_KINDS
from leadline.model.access import AccessUse
from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.place import titles_of
from leadline.outputs.text.plain import count, plain
from leadline.posture.risk.ranking import ranked
from leadline.scans.pages.image_entries import ImageEntry
from leadline.scans.pages.rows import CLUSTER, Rows, object_key

_DAYS = 30
_NOT_AT_A_PROVIDER = "A provider does not hold this: the pages of the cluster itself show it."
_LONGEST = 4096


def shell(*words: str) -> str:
    """A command as a person may paste it, whatever names are in it."""
    return shlex.join(plain(word, _LONGEST) for word in words)


class Component(Struct, frozen=True):
    """A part of the whole that keeps something current, and how old that is."""

    name: str
    at: str
    """When it last did so, RFC 3339; empty where nothing says so."""
    state: str
    """In a few words."""
    is_good: bool = True
    hint: str = ""
    """What to do where it is not."""


class Known(Struct, frozen=True):
    """Everything that was read, for every user."""

    report: PostureReport
    at: str
    """When it was read, or last kept current; RFC 3339 in UTC."""
    command: str
    """What reads the same in a terminal: ``leadline scan deploy/``."""
    images: tuple[ImageEntry, ...] = ()
    why_no_images: str = ""
    components: tuple[Component, ...] = ()
    days: Mapping[str, Mapping[str, int]] | None = None
    """Findings at the end of each day that was counted, by namespace, the empty one for the whole; ``None`` without a history."""
    store: Readable | None = None
    """Where more is kept; ``None`` for a folder or a report."""
    reading: str = ""
    """What is still being read; empty where all is."""
    fails_only: bool = False
    """Whether only what fails is known: neither what passes nor what was judged."""
    use: AccessUse | None = None
    """What is used of the rights that were given; ``None`` where no audit log was read."""
    why_no_uses: str = ""
    """Why it is not known which object runs an image; empty where it is."""
    image_lists: str = ""
    """Where packages and vulnerabilities of images are listed, if not here."""
    is_kubernetes: bool = False
    """Whether the store is that of a cluster, which kubectl reads as well."""


class World:
    """``seen`` are the namespaces that the user may see, ``None`` for everything, the empty one for what is in none."""

    def __init__(
        self, known: Known, seen: frozenset[str] | None = None, before: "World | None" = None
    ) -> None:
        """``before`` is the same view of an earlier moment: what is the same is not worked out again."""
        self.known = known
        self.seen = seen
        self.report = known.report if seen is None else narrowed(known.report, seen)
        self.title = titles_of(self.report)
        self.built: OrderedDict[Hashable, Any] = OrderedDict()
        """Pages by what was asked: they are the same until something changes."""
        self.why_old = ""
        """Why this is not current; empty where it is."""
        self._before = before.rows if before is not None else None

    def say_old(self, why: str) -> None:
        """Pages say ``why`` from now on."""
        if why != self.why_old:
            self.why_old = why
            self.built.clear()

    def command(self, *words: str) -> str:
        """``leadline WORDS`` over what these pages are of, for a terminal: no name is more than a name there.

        Of reports it is what shows these pages, since other commands do not read them.
        """
        return self.known.command.replace("leadline scan", f"leadline {shell(*words)}", 1)

    def kubectl(self, *words: str) -> str:
        """``kubectl WORDS``, where that reads what these pages are of; else what reads the rest of it."""
        return shell("kubectl", *words) if self.known.is_kubernetes else self.known.command

    def sees(self, namespace: str) -> bool:
        return self.seen is None or namespace in self.seen

    def objects_judged(self, number: int) -> str:
        """``14 objects judged``; of what is not known, no more than that they fail."""
        return f"{count(number, 'object')} {'that fail' if self.known.fails_only else 'judged'}"

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """Those that the user may see and that hold something."""
        return tuple(sorted({one.namespace for one in self.report.resources if one.namespace}))

    @cached_property
    def of_namespaces(self) -> int:
        """How many there are, seen or not."""
        return len({one.namespace for one in self.known.report.resources if one.namespace})

    @cached_property
    def rows(self) -> Rows:
        rows = Rows(self.report, self._before)
        self._before = None
        return rows

    @cached_property
    def risks(self) -> tuple[WorkloadRisk, ...]:
        """Most at stake first."""
        return ranked(self.report.risks or ())

    @cached_property
    def risk_of(self) -> Mapping[str, WorkloadRisk]:
        return {risk.resource: risk for risk in self.risks}

    @cached_property
    def by_key(self) -> Mapping[str, Resource]:
        """Objects by what they are called in addresses."""
        return {object_key(one.id): one for one in self.report.resources}

    @cached_property
    def workloads(self) -> tuple[Resource, ...]:
        """What runs pods and was judged."""
        judged = zip(self.report.resources, self.report.judged, strict=True)
        return tuple(one for one, ids in judged if ids and one.kind in POD_KINDS)

    @cached_property
    def images(self) -> tuple[ImageEntry, ...]:
        if self.seen is None:
            return self.known.images
        mine = (
            replace(one, uses=tuple(use for use in one.uses if self.sees(use.namespace)))
            for one in self.known.images
        )
        return tuple(one for one in mine if one.uses)

    @cached_property
    def by_namespace(self) -> Mapping[str, Counter[str]]:
        """Failed pairs of control and object by severity, the worst namespace first."""
        counts: dict[str, Counter[str]] = {}
        for finding in {one.pair: one for one in self.report.findings}.values():
            space = self.report.resource(finding.resource).namespace or CLUSTER
            severity = finding.control_of(self.report.controls_by_id).severity
            counts.setdefault(space, Counter())[severity] += 1
        ranked = sorted(counts.items(), key=lambda one: ([-one[1][name] for name in SEVERITIES], one[0]))
        return dict(ranked)

    @cached_property
    def severities(self) -> Counter[str]:
        """Failed pairs of control and object."""
        return self.report.severities()

    @cached_property
    def days(self) -> tuple[tuple[str, int | None], ...]:
        """The last thirty days and how many findings each ended with; ``None`` where no one looked."""
        known = self.known.days or {}
        spaces = ("",) if self.seen is None else tuple(self.namespaces)
        today = datetime.fromisoformat(self.known.at).date()
        days = ((today - timedelta(days=back)).isoformat() for back in range(_DAYS - 1, -1, -1))
        return tuple((day, _sum(known[one].get(day) for one in spaces if one in known)) for day in days)

    @property
    def about(self) -> str:
        """What all pages are of, in a sentence."""
        target, part = self.report.target, ""
        if self.seen is not None:
            part = f" in {len(self.namespaces):,} of {self.of_namespaces:,} namespaces"
        return f"{target.kind} {target.name}: {count(self.report.objects, 'object')}{part}."

    def why_not_stored(self, why: str) -> str:
        """``why`` nothing of a kind is stored, or that a provider holds none of it."""
        return _NOT_AT_A_PROVIDER if self.known.fails_only else why

    def why_empty(self, why: str) -> str:
        """``why`` there is nothing, or that it is not known yet."""
        return f"Still reading: {self.known.reading}." if self.known.reading else why


def _sum(numbers: Iterable[int | None]) -> int | None:
    counted = [one for one in numbers if one is not None]
    return sum(counted) if counted else None


def narrowed(report: PostureReport, seen: frozenset[str]) -> PostureReport:
    """``report`` with what is about the objects in these namespaces alone."""
    kept = [
        (one, ids) for one, ids in zip(report.resources, report.judged, strict=True) if one.namespace in seen
    ]
    ids = {one.id for one, _ in kept}
    parts = report.parts_of
    return replace(
        report,
        resources=tuple(one for one, _ in kept),
        judged=tuple(judged for _, judged in kept),
        joined=tuple(parts.get(one.id, ()) for one, _ in kept if one.origin.kind == "derived"),
        findings=tuple(one for one in report.findings if one.resource in ids),
        gave_up={id: skips for id, skips in report.gave_up.items() if id in ids},
        passed_by={id: rows for id, rows in report.passed_by.items() if id in ids},
        waived=tuple(one for one in report.waived if one.finding.resource in ids),
        waived_in_frameworks=tuple(one for one in report.waived_in_frameworks if one.resource in ids),
        risks=tuple(one for one in report.risks or () if one.resource in ids),
        objects=len(ids),
        baseline=None,
    )
