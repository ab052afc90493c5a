"""Writes a posture report into a store: results are replaced, a scan is recorded, and what vanished is collected."""

from datetime import UTC, datetime
from itertools import chain

from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kinds.scans import KnownAdmin
from leadline.api.posture_results import posture_puts, result_places
from leadline.api.protocol import Store
from leadline.api.risk_results import risk_puts
from leadline.api.wire_type import Maybe
from leadline.errors import StoreError
from leadline.model.access import Access
from leadline.model.report import PostureReport
from leadline.outputs.text.plain import plain
from leadline.scans.stored.history.admins import record_admins
from leadline.scans.stored.history.days import Place, first_look_by, forget_old, record_days
from leadline.scans.stored.posture_runs import Outcome, RunOptions, posture_run
from leadline.scans.stored.result_writer import ResultWriter
from leadline.scans.stored.scan_runs import forget_old_runs, moment, record, run_name

_NAMED = 5


class StoreOptions(Struct, frozen=True):
    home: str = "leadline"
    """Namespace for results about objects that have none."""
    is_full: bool = False
    """Whether every object and every control was looked at: only then what was not seen is gone."""
    trigger: str = "command"
    admins: tuple[Access, ...] | None = None
    """Every way to cluster admin; ``None`` where not all roles and bindings were looked at."""


class Stored(Struct, frozen=True):
    run: str
    """Name of the ScanRun."""
    written: int
    """Results that the scan has; those that were there already were not written again."""
    collected: int
    ending: tuple[str, ...] = ()
    """Namespaces that are being deleted: nothing new was stored in them."""


async def store_posture(store: Store, report: PostureReport, options: StoreOptions) -> Stored:
    """Results of controls that this scan did not ask for stay, where it was not a full one.

    A report that judged nothing is recorded as failed and replaces nothing. Raises: ``StoreError``.
    """
    started = moment()
    run = run_name("posture", started)
    asked = RunOptions(options.trigger, is_full=options.is_full)
    if not any(report.judged):
        await record(
            store, run, posture_run(report, asked, Outcome(started, "Failed", "no object was judged"))
        )
        return Stored(run, 0, 0)
    writer = ResultWriter(store)
    if options.is_full:
        writer.by = await first_look_by(store, report, options.home)
    await record(store, run, posture_run(report, asked, Outcome(started, "Running")))
    try:
        if options.is_full:
            await writer.learn()
        places = result_places(report, options.home)
        puts = chain(
            posture_puts(report, options.home, started, places),
            risk_puts(report, report.risks or (), started, places),
        )
        seen = set(await writer.write(puts, at=started, is_whole=options.is_full))
        ending = tuple(sorted(writer.ending))
        missing = ending if report.target.kind != "cluster" else tuple({options.home} & {*ending})
        if missing:
            named = ", ".join(map(plain, missing[:_NAMED]))
            raise StoreError(
                f"the cluster has no namespace {named}, or it is being deleted", hint="create it"
            )
        unseen = [key for key in writer.keys if key not in seen]
        collected = await writer.delete(unseen, at=started) if options.is_full and not report.unread else 0
        admins: Maybe[tuple[KnownAdmin, ...]] = UNSET
        if options.is_full and options.admins is not None:
            admins = await record_admins(store, options.admins, Place(options.home, started))
        if options.is_full:
            await record_days(store, report, Place(options.home, started))
            await forget_old(store, datetime.now(UTC))
    except StoreError as error:
        await record(store, run, posture_run(report, asked, Outcome(started, "Failed", str(error))))
        raise
    ended = posture_run(report, asked, Outcome(started, "Succeeded"))
    await record(store, run, replace(ended, status=replace(ended.status, admins=admins)))
    await forget_old_runs(store, run)
    return Stored(run, len(seen), collected, ending)
