"""What a scan or a fix is held against, and the settings that count then: ``--baseline`` and ``--since``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from leadline.programs.cli.options.table import Request
from leadline.scans.options import PostureOptions, silent

if TYPE_CHECKING:
    from leadline.outputs.documents.baseline import Baseline


@contextmanager
def compared_with(request: Request, options: PostureOptions) -> "Iterator[tuple[PostureOptions, Baseline]]":
    """What was there before, and ``options`` with the settings of then; these are copies until the block is left.

    Of a revision everything counts that decides verdicts, unless what the change brings is approved.

    Raises: ``LeadlineError`` of every kind.
    """
    from leadline.scans.posture.baselines import before_change, one_target, read_baseline
    from leadline.scans.posture.settings_before import settings_before

    if request.baseline:
        yield options, read_baseline(request.baseline)
        return

    def found(options: PostureOptions, changed: tuple[str, ...]) -> "tuple[PostureOptions, Baseline]":
        before = before_change(
            request.targets,
            request.since,
            replace(options, say=silent, with_scores=False, secrets=None),
            (*request.configured.changed, *changed),
            is_approved=request.accept_from_change,
        )
        return replace(options, before_change=before.accepted), before.baseline

    if request.accept_from_change:
        yield found(options, ())
        return
    with settings_before(one_target(request.targets), request.since, options) as (settled, changed):
        yield found(settled, changed)
