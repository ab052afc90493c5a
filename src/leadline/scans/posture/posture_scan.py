"""One posture scan: targets and options in, a report out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike, fspath

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.kinds import kind_key
from leadline.model.control import BuiltControl
from leadline.model.finding import Skip
from leadline.model.report import PostureReport, Target
from leadline.outputs.documents.sealing import sealed, with_bodies
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.rows.place import ShownPlaces
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.posture.verdicts import Judgement
from leadline.scans.images.image_signatures import signature_skips, with_signatures
from leadline.scans.options import PostureOptions
from leadline.scans.posture.coverage import unread_nodes, why_no_verdict
from leadline.scans.posture.policies import Policies, choose_policies
from leadline.scans.posture.read_targets import read
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.selection import selected
from leadline.scans.posture.settings import Settings, read_settings, shipped_settings
from leadline.scans.waivers.waiving import Waiving, waived, waivers_of_files


class PostureScan(Struct, frozen=True):
    """A finished scan whose files are still there."""

    report: PostureReport
    """Without secrets, as formats rely on."""
    places: ShownPlaces
    """The bodies of ``report``'s objects as well, which it does not hold itself before it is sealed."""
    notes: tuple[str, ...] = ()
    """Oddities of the input that change no verdict, worth a line."""
    why_no_verdict: str = ""
    """Empty where something was judged."""

    @property
    def report_with_bodies(self) -> PostureReport:
        """For who looks into objects again: every body, as it may be shown."""
        return with_bodies(self.report, self.places)


def posture_scan(
    targets: "str | PathLike[str] | Sequence[str | PathLike[str]]", options: PostureOptions | None = None
) -> PostureReport:
    """The report about ``targets``: paths, globs, ``-``, one git address; ``[]`` is the cluster.

    Raises:
        UsageError: what is asked for makes no sense.
        SourceError: a target cannot be read at all.
        TypeError: ``targets`` is neither a path nor a list of paths.
    """
    with open_posture_scan(targets_of(targets), options or PostureOptions()) as scan:
        return sealed(scan.report, scan.places)


def targets_of(targets: "str | PathLike[str] | Sequence[str | PathLike[str]]") -> list[str]:
    """One path or several as texts.

    Raises: ``TypeError``.
    """
    several = [targets] if isinstance(targets, str | PathLike) else targets
    if not isinstance(several, list | tuple) or not all(isinstance(one, str | PathLike) for one in several):
        raise TypeError(f"targets is a path or a list of paths (got {targets!r:.100})")
    return [fspath(target) for target in several]


@contextmanager
def open_posture_scan(targets: Sequence[str], options: PostureOptions) -> Iterator[PostureScan]:
    """As ``posture_scan``; what was fetched stays until the block is left, so that places can be found in it."""
    hidden = Redaction(options.secrets)
    hidden.add_settings((*options.charts.set, *options.charts.set_string))
    with hidden.errors():
        policies = choose_policies(options)
        known = shipped_settings(policies.known)
        settings = read_settings(options.settings_file, known) if options.settings_file else known
        waiving = Waiving(
            (*waivers_of_files(options.waivers), *options.given_waivers),
            tuple(policies.known),
            options,
            is_of_frameworks=policies.is_of_frameworks,
        )
        started = time.monotonic()
        with read(targets, options, policies.controls) as reading:
            hidden.learn_from(reading.resources)
            if options.observe is not None and reading.target.kind != "cluster":
                for one in reading.resources:
                    options.observe(kind_key(one.group, one.kind), one.body)
            reading = with_signatures(reading, options)
            raw = _report(options, reading, policies, settings, started)
            raw = waived(raw, reading.places, replace(waiving, checkout=reading.checkout))
            report = hidden.report(raw)
            places = hidden.places(reading.places, raw.resources, report)
            why = hidden.message(why_no_verdict(report, reading.ignored, options))
            yield PostureScan(report, places, tuple(map(hidden.message, reading.notes)), why)


def facts_of(options: PostureOptions, reading: Reading) -> Facts:
    return Facts(
        reading.is_whole,
        reading.target.server_version,
        _cloud(options, reading.target),
        options.assume_complete,
        reading.signatures,
    )


def asked_controls(reading: Reading, policies: Policies) -> list[BuiltControl]:
    """The controls that what was read is enough for."""
    left_out = {skip.control for skip in _skips(reading, policies)}
    return [control for control in policies.controls if control.id not in left_out]


def _skips(reading: Reading, policies: Policies) -> tuple[Skip, ...]:
    return (*reading.skips, *signature_skips(reading, (control.id for control in policies.controls)))


def _report(
    options: PostureOptions, reading: Reading, policies: Policies, settings: Settings, started: float
) -> PostureReport:
    try:
        judgement = judge(
            reading.resources,
            asked_controls(reading, policies),
            settings=settings,
            facts=facts_of(options, reading),
        )
        # Of a cluster the one workload that was asked for is all that was read.
        if not options.workload or reading.target.kind != "cluster":
            judgement = selected(options, judgement)
    finally:
        for close in policies.closers:
            close()
    return report_of(reading, policies, settings, judgement, time.monotonic() - started)


def report_of(
    reading: Reading, policies: Policies, settings: Settings, judgement: Judgement, seconds: float
) -> PostureReport:
    """What was read and what became of it, together."""
    return PostureReport(
        target=reading.target,
        resources=judgement.resources,
        controls=tuple(control.facts for control in policies.controls),
        findings=judgement.findings,
        judged=judgement.judged,
        joined=judgement.joined,
        gave_up=judgement.gave_up,
        passed_by=judgement.passes,
        skips=(*judgement.skips, *_skips(reading, policies)),
        unread=(
            *policies.unread,
            *reading.unread,
            *judgement.unread,
            *unread_nodes(reading.resources, datetime.now(UTC)),
        ),
        left_out=(*policies.left_out, *reading.left_out),
        rendering="; ".join(filter(None, (reading.rendering, *(of() for of in policies.confinements)))),
        renderers=reading.renderers,
        frameworks=policies.frameworks,
        settings={name: settings[name] for c in policies.controls for name in c.settings},
        not_kubernetes=reading.not_kubernetes,
        files=reading.files,
        objects=len(reading.resources),
        charts=reading.charts,
        kustomizations=reading.kustomizations,
        seconds=seconds,
    )


def _cloud(options: PostureOptions, target: Target) -> str:
    """The cloud that controls of one cloud's clusters are held against.

    Files do not say where they will run. Such controls are then asked only by name or by their own framework, so
    that no one is asked to annotate a Service for a cloud that is not theirs.
    """
    if target.cloud or options.workload:
        return target.cloud
    return "" if _is_chosen(options) else "none"


def _is_chosen(options: PostureOptions) -> bool:
    """Whether the user chose the controls, by name or by framework; each then judges whatever it is given."""
    names = {*options.controls, *options.frameworks, *([options.workload] if options.workload else [])}
    if not names:
        return bool(options.framework_files)
    return not {name.lower() for name in names} & {"all", "allcontrols"}
