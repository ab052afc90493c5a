"""Why something is suggested for a workload, how sure that is, and how it is undone."""

from collections.abc import Iterator

from msgspec import UNSET

from leadline.api.kinds.suggestions import HeldTo, LastRehearsal
from leadline.outputs.text.plain import count, value_text


def explained_suggestion(spec: HeldTo, rehearsal: LastRehearsal | None = None) -> Iterator[str]:
    """``rehearsal``: what the record says of it; ``None`` where it was not rehearsed."""
    at, seen = spec.workload, spec.observed
    title = f"{at.namespace}/{at.kind}/{at.name}"
    number = len(spec.settings or ()) + len(spec.objects or ())
    yield f"For {title} {count(number, 'thing')} {'is' if number == 1 else 'are'} suggested."
    partial = f", and {seen.partial} partial that alone would not count" if seen.partial else ""
    when = f", recorded from {seen.since} to {seen.until}" if seen.since else ""
    yield f"It rests on {count(seen.complete, 'complete profile')}{when}{partial}."
    for setting in spec.settings or ():
        where = f"{setting.path}: {value_text(setting.value)} for container {setting.container}"
        yield f"{where}, because {setting.because}; if the record is not all: {setting.if_wrong}."
    for one in spec.objects or ():
        kind = one.body.get("kind") if isinstance(one.body, dict) else "object"
        yield f"A {kind}, because {one.because}; if the record is not all: {one.if_wrong}."
    for left in spec.not_suggested or ():
        where = f" for container {left.container}" if left.container else ""
        yield f"Not suggested{where}: {left.what}: {left.why}."
    if rehearsal is not None:
        yield (
            f"Rehearsed over the record: {rehearsal.blocked:,} would be blocked, {rehearsal.unknown:,} not known,"
            f" {rehearsal.allowed:,} pass."
        )
        would_fail = rehearsal.would_fail if rehearsal.would_fail is not UNSET else None
        yield from (f"Would fail: {text}." for text in would_fail or ())
    if number:
        yield "It is undone by taking the settings out again and deleting the objects."
