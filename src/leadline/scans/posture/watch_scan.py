"""A scan that continues: the report once, then only what appeared and what went.

Files are looked at again and again and read again once nothing has changed for a moment; a cluster sends its changes
by itself. Both feed the same engine, which judges again what a change can touch.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource, with_own_ids
from leadline.model.unread import Unread
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import Places, ShownPlaces
from leadline.posture.engine import Judge
from leadline.posture.follow import Difference, Followed
from leadline.posture.verdicts import Verdict
from leadline.posture.worlds import Worlds
from leadline.scans.options import PostureOptions
from leadline.scans.posture.coverage import why_no_verdict
from leadline.scans.posture.policies import Policies, choose_policies
from leadline.scans.posture.posture_scan import PostureScan, asked_controls, facts_of, report_of
from leadline.scans.posture.read_targets import read
from leadline.scans.posture.reading import STDIN, Reading
from leadline.scans.posture.selection import in_namespaces, selected
from leadline.scans.posture.settings import Settings, read_settings, shipped_settings
from leadline.scans.waivers.waiving import Waiving, waived, waivers_of_files
from leadline.sources.manifests.tree_stamp import Stamp, stamp_of

QUIET_S = 0.2
"""A change is taken up once no other has come for so long."""
Wait = Callable[[float], object]
"""Waits for some seconds."""


class ScanChange(Struct, frozen=True):
    """What one change did."""

    appeared: PostureReport
    """The report of what is there now, with the findings that are new alone."""
    went: PostureReport
    """The report of what was there before, with the findings alone that are gone."""
    places: ShownPlaces
    unread: tuple[Unread, ...] = ()
    """What could be read before and cannot be now."""
    no_longer_unread: tuple[str, ...] = ()
    """Where something could not be read before that now is, or is gone."""


class ScanPart(Struct, frozen=True):
    """Some findings of a scan, as far as no waiver accepts them."""

    raw: PostureReport
    """As it was judged, to work with and never to show."""
    report: PostureReport
    """The same without secrets; its findings are in step with those of ``raw``."""
    places: ShownPlaces


class WatchedScan:
    """A scan and what becomes of it. Not to be used from several threads at once."""

    def __init__(
        self,
        options: PostureOptions,
        policies: Policies,
        settings: Settings,
        reading: Reading,
        texts: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        """``texts``: as for ``Waiving``."""
        self._options = options
        self._hidden = Redaction(options.secrets)
        self._hidden.add_settings((*options.charts.set, *options.charts.set_string))
        self._hidden.learn_from(reading.resources)
        self._waiving = Waiving(
            waivers_of_files(options.waivers),
            tuple(policies.known),
            options,
            texts=texts,
            is_of_frameworks=policies.is_of_frameworks,
        )
        self._policies = policies
        self._controls = tuple(control.facts for control in policies.controls)
        self._settings = settings
        self.reading = reading
        self._started = time.monotonic()
        facts = facts_of(options, reading)
        self._worlds = Worlds(reading.resources, facts)
        self._followed = Followed(Judge(asked_controls(reading, policies), settings, facts), self._worlds)
        self._wanted = in_namespaces(options)

    @property
    def scan(self) -> PostureScan:
        """All as it is now, put together again each time."""
        reading = replace(self.reading, resources=self._worlds.resources)
        judgement = selected(self._options, self._followed.judgement)
        seconds = time.monotonic() - self._started
        report = report_of(reading, self._policies, self._settings, judgement, seconds)
        report = waived(report, self.reading.places, self._waiving)
        shown = self._hidden.report(report)
        places = self._hidden.places(reading.places, report.resources, shown)
        why = self._hidden.message(why_no_verdict(shown, reading.ignored, self._options))
        return PostureScan(shown, places, tuple(map(self._hidden.message, reading.notes)), why)

    def message(self, text: str) -> str:
        """A sentence without secrets."""
        return self._hidden.message(text)

    def read_again(self, reading: Reading) -> ScanChange | None:
        """The change from what was read before to ``reading``, as a whole."""
        old = {resource.id: resource for resource in self._worlds.resources}
        new = {resource.id: resource for resource in with_own_ids(reading.resources)}
        removed = [id for id, resource in old.items() if new.get(id) != resource]
        return self.take(removed, [r for id, r in new.items() if old.get(id) != r], reading)

    def take(self, removed: Sequence[str], added: Sequence[Resource], reading: Reading) -> ScanChange | None:
        """The change that ``removed`` ids and ``added`` objects are; ``None`` where nothing is to be reported."""
        before = {id: one for id in removed if (one := self._worlds.get(id)) is not None}
        unread = tuple(one for one in reading.unread if one not in self.reading.unread)
        still = {one.where for one in reading.unread}
        ended = tuple(dict.fromkeys(one.where for one in self.reading.unread if one.where not in still))
        self.reading = reading
        difference = self.change(removed, added)
        subjects = {one.id: one for one in difference.subjects}
        appeared = self._part(difference.appeared, subjects)
        went = self._part(difference.went, subjects | before)
        appeared = waived(appeared, reading.places, self._waiving)
        went = waived(went, NoPlaces(), self._waiving)
        if not (appeared.findings or went.findings or unread or ended):
            return None
        shown = self._hidden.report(appeared)
        places = self._hidden.places(reading.places, appeared.resources, shown)
        unread = tuple(map(self._hidden.unread, unread))
        ended = tuple(map(self._hidden.text, ended))
        return ScanChange(shown, self._hidden.report(went), places, unread, ended)

    def unread(self, part: Unread) -> Unread:
        """The same without secrets."""
        return self._hidden.unread(part)

    def change(self, removed: Iterable[str], added: Sequence[Resource]) -> Difference:
        """Judges again what the change can touch."""
        self._hidden.renew(self._worlds.resources)
        self._hidden.learn_from(added)
        return self._followed.change(removed, added)

    def get(self, id: str) -> Resource | None:
        return self._worlds.get(id)

    def verdict_of(self, id: str) -> Verdict | None:
        return self._followed.verdict_of(id)

    @property
    def resources(self) -> tuple[Resource, ...]:
        return self._worlds.resources

    def part(self, findings: tuple[Finding, ...], subjects: dict[str, Resource], places: Places) -> ScanPart:
        """``findings`` with what waivers leave of them; ``subjects`` by id are those that they are about, and
        the other objects that decide on waivers.
        """
        report = waived(self._part(findings, subjects), places, self._waiving)
        shown = self._hidden.report(report)
        return ScanPart(report, shown, self._hidden.places(places, report.resources, shown))

    def _part(self, findings: tuple[Finding, ...], subjects: dict[str, Resource]) -> PostureReport:
        wanted = self._wanted
        chosen = tuple(f for f in findings if wanted is None or wanted(subjects[f.resource]))
        others = {id: one for f in chosen for id in (f.on, *f.related) if (one := self._worlds.get(id))}
        resources = tuple((others | subjects).values())
        return PostureReport(self.reading.target, resources, self._controls, chosen, ((),) * len(resources))


@contextmanager
def watch_scan(
    targets: Sequence[str], options: PostureOptions, wait: Wait = time.sleep
) -> Iterator[tuple[WatchedScan, Iterator[ScanChange]]]:
    """A scan of files or of a cluster, and every change from then on, without an end.

    Raises:
        UsageError: what is asked for makes no sense, or cannot be watched.
        SourceError: a target cannot be read at all.
    """
    if options.workload or STDIN in targets or any("://" in target or "@" in target for target in targets):
        raise UsageError("only files, folders and clusters can be watched")
    policies = choose_policies(options)
    known = shipped_settings(policies.known)
    settings = read_settings(options.settings_file, known) if options.settings_file else known
    with ExitStack() as stack:
        for close in policies.closers:
            stack.callback(close)
        if targets:
            stamp = stamp_of(targets)
            reading = stack.enter_context(read(targets, options, policies.controls))
            watched = WatchedScan(options, policies, settings, reading)
            yield watched, _file_changes(watched, targets, _again(targets, options, policies), stamp, wait)
        else:
            yield _cluster_scan(options, policies, settings, stack)


def _again(
    targets: Sequence[str], options: PostureOptions, policies: Policies
) -> Callable[[], AbstractContextManager[Reading]]:
    return lambda: read(targets, options, policies.controls)


def _file_changes(
    watched: WatchedScan,
    targets: Sequence[str],
    again: Callable[[], AbstractContextManager[Reading]],
    stamp: Stamp,
    wait: Wait,
) -> Iterator[ScanChange]:
    while True:
        now = stamp_of(targets)
        if now == stamp:
            wait(QUIET_S)
            continue
        while True:
            wait(QUIET_S)
            later = stamp_of(targets)
            if later == now:
                break
            now = later
        stamp = now
        try:
            with again() as reading:
                change = watched.read_again(reading)
                if change is not None:
                    yield change
        except SourceError as error:
            # In the middle of a checkout nothing may be there; what was there is then reported at the next change.
            yield _unreadable(watched, error)


def _unreadable(watched: WatchedScan, error: SourceError) -> ScanChange:
    scan, reading = watched.scan, watched.reading
    nothing = replace(scan.report, findings=())
    unread = Unread(reading.target.name, watched.message(str(error)), "missing")
    watched.reading = replace(reading, unread=(*reading.unread, unread))
    return ScanChange(nothing, nothing, scan.places, (unread,))


def _cluster_scan(
    options: PostureOptions, policies: Policies, settings: Settings, stack: ExitStack
) -> tuple[WatchedScan, Iterator[ScanChange]]:
    from leadline.scans.posture.cluster_source import kinds_read, reading_of, shown_by
    from leadline.sources.cluster.connection import connect
    from leadline.sources.cluster.watch import watch_cluster

    options.say("reading the cluster")
    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ, said=options.note)
    stack.callback(cluster.close)
    watch = watch_cluster(
        cluster,
        kinds_read(policies.controls, options),
        options.include_namespaces,
        options.exclude_namespaces,
        shown_by(options),
    )
    watched = WatchedScan(options, policies, settings, reading_of(watch.snapshot, options, policies.controls))

    def changes() -> Iterator[ScanChange]:
        for found in watch.changes(QUIET_S):
            unread = (*watched.reading.unread, *found.unread)
            change = watched.take(found.removed, found.added, replace(watched.reading, unread=unread))
            if change is not None:
                yield change

    return watched, changes()
