"""What an order has to mean to be taken: refused when it is written, not some seconds later in its status."""

from typing import Any

from leadline.api.kind import Kind
from leadline.api.kinds.scans import RUNS, SCHEDULES
from leadline.errors import UsageError
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cron import check, zone_of

SUBJECTS = ("posture", "images")
Body = dict[str, Any]


ORDERS = frozenset({RUNS.plural, SCHEDULES.plural})


def check_meaning(kind: Kind, whole: Body, before: Body | None) -> None:
    """``before`` is the object that is replaced: what was there before is not asked about again.

    Raises: ``Refusal``.
    """
    if kind.plural not in ORDERS:
        return
    spec = whole.get("spec") or {}
    if not isinstance(spec, dict) or (before is not None and before.get("spec") == whole.get("spec")):
        return
    name = str((whole.get("metadata") or {}).get("name") or "")
    subject = spec.get("subject")
    if subject and subject not in SUBJECTS:
        raise refusal.invalid(
            kind, name, "spec.subject", f"Unsupported value: {str(subject)[:60]!r}: posture, or images"
        )
    if kind.plural == SCHEDULES.plural:
        zone = str(spec.get("timeZone") or "UTC")
        for field, asked in (
            ("spec.timeZone", lambda: zone_of(zone)),
            ("spec.schedule", lambda: check(str(spec.get("schedule") or ""), zone, is_new=True)),
        ):
            try:
                asked()
            except UsageError as error:
                raise refusal.invalid(kind, name, field, f"Invalid value: {error}") from error
