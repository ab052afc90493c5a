"""A suggestion as text for people: what, why, by how much of a record, and what it takes to approve it."""

from collections.abc import Iterator

import yaml
from msgspec import UNSET

from leadline.api.kinds.suggestions import HeldTo, Suggestion, approves
from leadline.outputs.text.plain import count, plain, source_line, value_text, wrapped
from leadline.scans.suggesting.making import suggestion_name

STATES = ("draft", "rehearsed", "approved", "applied", "verified")


def suggestion_text(suggestion: Suggestion, width: int = 100) -> str:
    """``suggestion_lines`` as one text."""
    return "".join(f"{line}\n" for line in suggestion_lines(suggestion, width))


def suggestion_lines(suggestion: Suggestion, width: int) -> Iterator[str]:
    spec, status = suggestion.spec, suggestion.status
    at = spec.workload
    title = f"{at.namespace}/{at.kind}/{at.name}"
    yield from wrapped(
        f"{plain(title)}: suggestion {plain(spec.digest)}, {plain(status.state or 'draft')}", width
    )
    if status.why:
        yield from _inner(plain(status.why, 1000), width)
    seen = spec.observed
    partial = f" and {seen.partial} partial" if seen.partial else ""
    when = f", {seen.since} to {seen.until}" if seen.since else ""
    yield from _inner(f"by {count(seen.complete, 'complete profile')}{partial}{when}", width)
    for setting in spec.settings or ():
        owner = f"container {plain(setting.container)}" if setting.container else "pod"
        where = f"{owner}: {plain(setting.path)}: {value_text(setting.value)}"
        yield from _inner(f"suggested: {where}", width)
        if setting.empty_volumes is not UNSET and setting.empty_volumes:
            yield from _inner(f"  empty volumes: {plain(', '.join(setting.empty_volumes), 1000)}", width)
        yield from _reason(setting.because, setting.if_wrong, width)
    for one in spec.objects or ():
        body = one.body if isinstance(one.body, dict) else {}
        yield from _inner(f"suggested: {plain(str(body.get('kind', 'an object')))}", width)
        yield from _reason(one.because, one.if_wrong, width)
        text = yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False)
        yield from (f"    {source_line(line)}" for line in text.splitlines())
    for left in spec.not_suggested or ():
        where = f" (container {plain(left.container)})" if left.container else ""
        yield from _inner(f"not suggested{where}: {plain(left.what)}: {plain(left.why, 1000)}", width)
    rehearsal = status.rehearsal
    if rehearsal is not UNSET:
        said = f"{rehearsal.blocked:,} would be blocked, {rehearsal.unknown:,} not known, {rehearsal.allowed:,} pass"
        yield from _inner(f"rehearsed {plain(rehearsal.at)}: {said}", width)
        would_fail = rehearsal.would_fail if rehearsal.would_fail is not UNSET else ()
        for text in would_fail or ():
            yield from _inner(f"  {plain(text, 1000)}", width)
    approval = status.approval
    if approval is not UNSET:
        of = (
            ""
            if approves(approval.digest, spec.digest)
            else f"; it was {plain(approval.digest)}, another suggestion"
        )
        yield from _inner(f"approved by {plain(approval.by)} {plain(approval.at)}{of}", width)
    elif not is_empty(spec):
        yield from _inner(plain(how_to_approve(spec), 1000), width)


def how_to_approve(spec: HeldTo) -> str:
    """Nothing applies a suggestion: approving says that it may be."""
    place = f"{spec.workload.namespace}/{suggestion_name(spec.workload)}"
    return f"to approve it, set spec.approve of the suggestion {place} to {spec.digest} by your own account"


def is_empty(spec: HeldTo) -> bool:
    return not (spec.settings or spec.objects)


def _reason(because: str, if_wrong: str, width: int) -> Iterator[str]:
    for text in (because, f"if the record is not all: {if_wrong}"):
        yield from _inner(f"  {plain(text, 1000)}", width)


def _inner(text: str, width: int) -> Iterator[str]:
    indent = "  " + " " * (len(text) - len(text.lstrip()))
    return (f"{indent}{line}" for line in wrapped(text.lstrip(), width - len(indent)))
