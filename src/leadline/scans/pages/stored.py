"""What pages show of a store: how each stored object is read, and what all of them amount to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.posture_reading import StoredResult, stored_result
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Entry, Readable
from leadline.api.risk_results import RISKS, stored_risk
from leadline.api.selection import Key
from leadline.api.stored import metadata_of
from leadline.errors import LeadlineError, StoreError
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.outputs.text.plain import count, plain
from leadline.scans.options import PostureOptions
from leadline.scans.pages.image_entries import ImageEntry, Use, image_entry
from leadline.scans.pages.reading import written_now
from leadline.scans.pages.world import Component, Known
from leadline.scans.stored.history.days import MONTHS, month_of
from leadline.scans.stored.image_results import MANIFESTS, is_filtered, stored_image
from leadline.scans.stored.image_results import SUMMARIES as CONTAINERS
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, run_of
from leadline.scans.stored.stored_images import foreign_image
from leadline.scans.stored.stored_posture import posture_of

_NO_IMAGES = "No image result is stored: the operator keeps them, and so does a stored scan of the images of a cluster."


class Month(Struct, frozen=True):
    """Findings at the end of each day that was counted."""

    namespace: str
    days: Mapping[str, int]


class Container(Struct, frozen=True):
    """What runs an image."""

    use: Use
    manifest: str
    """Name of the image's result."""


def _risk(entry: Entry) -> WorkloadRisk:
    return stored_risk(entry)[1]


def _month(entry: Entry) -> Month:
    spec = month_of(entry).spec
    return Month(
        spec.namespace,
        {
            one.day: sum(getattr(one.failed, name) for name in one.failed.__struct_fields__)
            for one in spec.days or ()
        },
    )


def _image(entry: Entry) -> ImageEntry | None:
    """``None`` of what one container uses of an image."""
    if is_filtered(entry.content.metadata):
        return None
    try:
        report = stored_image(entry.content.body) or foreign_image(entry)
    except LeadlineError as error:
        raise StoreError(f"{entry.key}: {error}") from error
    return image_entry(report, scanned=metadata_of(entry).annotations.get(f"{PREFIX}timestamp", ""))


def _container(entry: Entry) -> Container:
    labels = metadata_of(entry).labels
    kind, name, container = (
        plain(labels.get(f"{PREFIX}workload-{part}", "")) for part in ("kind", "name", "container-name")
    )
    spec = orjson.loads(entry.content.body).get("spec") or {}
    manifest = ((spec.get("vulnerabilitiesRef") or {}).get("all") or {}).get("name") or ""
    return Container(
        Use(f"{entry.key.namespace}/{kind}/{name}", entry.key.namespace, container), str(manifest)
    )


def _run(entry: Entry) -> Entry:
    run_of(entry)
    return entry


def _checked(read: Callable[[Entry], Any]) -> Callable[[Entry], Any]:
    """``read``, with a ``StoreError`` for whatever it cannot make anything of.

    Any client may have written an object; one that is malformed must not keep the others from being shown.
    """

    def checked(entry: Entry) -> Any:
        try:
            return read(entry)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StoreError(f"{entry.key}: it cannot be read: {error}") from error

    return checked


READERS: Mapping[str, Callable[[Entry], Any]] = {
    RUNS: _checked(_run),
    SCANS: _checked(stored_result),
    RISKS: _checked(_risk),
    MONTHS: _checked(_month),
    CONTAINERS: _checked(_container),
    MANIFESTS: _checked(_image),
}
"""By plural; the first that is read is what says how old all is."""
Facts = Mapping[str, Mapping[Key, Any]]


def known_of(
    facts: Facts, store: Readable, command: str, reading: str = "", unreadable: Iterable[Key] = ()
) -> Known:
    """``facts`` are those of ``READERS``, by plural; ``reading`` says what is not read yet, ``unreadable`` is what cannot be read."""
    results: list[StoredResult] = list(facts[SCANS].values())
    runs: list[Entry] = list(facts[RUNS].values())
    report = posture_of(results, runs, facts[RISKS].values(), PostureOptions())
    report = replace(report, unread=(*report.unread, *map(_not_read, sorted(unreadable))))
    days: dict[str, dict[str, int]] = {}
    for month in facts[MONTHS].values():
        days.setdefault(month.namespace, {}).update(month.days)
    images = tuple(_with_uses(facts))
    components = (*_runs(runs), _database(images), _newest("Results of objects", [one.at for one in results]))
    return Known(
        report,
        written_now(),
        command,
        images,
        _NO_IMAGES,
        tuple(one for one in components if one),
        days,
        store,
        reading,
    )


def _not_read(key: Key) -> Unread:
    return Unread(
        str(key), "the stored object cannot be read", "malformed", hint="scan again and store the results"
    )


def _with_uses(facts: Facts) -> Iterator[ImageEntry]:
    uses: dict[str, list[Use]] = {}
    for container in facts[CONTAINERS].values():
        uses.setdefault(container.manifest, []).append(container.use)
    for key, entry in facts[MANIFESTS].items():
        mine = sorted(uses.get(key.name, ()), key=lambda use: (use.title, use.container))
        yield replace(entry, uses=tuple(mine))


def _runs(runs: list[Entry]) -> Iterator[Component]:
    """The newest scan of each subject, and the one that follows changes."""
    newest: dict[tuple[str, bool], tuple[int, Component]] = {}
    for entry in runs:
        run = run_of(entry)
        subject = run.spec.subject or "posture"
        is_following = run.status.phase == FOLLOWING
        name = f"{'Operator, following' if is_following else 'Scan of'} {'objects' if subject == 'posture' else subject}"
        at = (run.status.seen_at or "") if is_following else run.status.finished_at or run.status.started_at
        is_good = run.status.phase in ("Succeeded", FOLLOWING)
        state = plain(f"{run.status.phase} {run.status.message}".strip().lower())
        unread = run.status.coverage.unread
        note = f"; {count(unread, 'part')} not read" if unread else ""
        one = Component(name, at, state + note, is_good, "" if is_good else "see the log of the operator")
        if entry.revision > newest.get((subject, is_following), (-1,))[0]:
            newest[subject, is_following] = entry.revision, one
    for _, one in sorted(newest.values(), key=lambda row: row[1].name):
        yield one


def _database(images: tuple[ImageEntry, ...]) -> Component | None:
    if not images:
        return None
    dates = [one.database for one in images if one.database]
    unmatched = sum(not one.is_matched for one in images)
    state = (
        f"{count(len(images), 'image')}, {unmatched:,} of them not matched"
        if unmatched
        else f"{count(len(images), 'image')} matched"
    )
    return Component(
        "Vulnerability database",
        min(dates, default=""),
        state,
        not unmatched,
        "leadline db status" if unmatched else "",
    )


def _newest(name: str, moments: list[str]) -> Component | None:
    known = sorted(filter(None, moments))
    return Component(name, known[-1], f"the oldest of {len(known):,} is of {known[0]}") if known else None
