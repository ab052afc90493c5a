"""One record for a container of a workload revision, of all its replicas on all nodes."""

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.profile import COMPLETE, PARTIAL, TOO_LARGE, Profile
from leadline.runtime.completeness import HOLES, is_complete
from leadline.runtime.continuing import joined

MOST_SPANS = 64
"""Containers of which it is remembered that they were seen whole."""


class Span(Struct, frozen=True, rename="camel"):
    """When a container was watched, from its start without a hole, since 1970."""

    since_s: float
    until_s: float


class Record(Struct, frozen=True, rename="camel"):
    profile: Profile
    """Everything that any of them did. Complete where one was seen whole and nothing is missing of any other since its start."""
    whole: dict[str, Span] = {}
    """By the id of the container."""

    @property
    def longest_s(self) -> float:
        return max((one.until_s - one.since_s for one in self.whole.values()), default=0.0)


def with_profile(before: Record | None, profile: Profile) -> Record:
    """``before`` with what one container did until now; the same a second time changes nothing.

    An agent that is started again sends a container of which it saw the start before as one that was there: then it was
    not seen whole.
    """
    known = before.whole if before else {}
    id = profile.container.id
    whole = {key: span for key, span in known.items() if key != id}
    if is_complete(profile):
        whole[id] = Span(profile.since_s, profile.until_s)
    while len(whole) > MOST_SPANS:
        del whole[min(whole, key=lambda key: whole[key].until_s - whole[key].since_s)]
    made = joined(before.profile, profile, (), max) if before else profile
    reasons = {*(before.profile.reasons if before else ()), *profile.reasons}
    # The reasons of a container that was not seen whole do not count where another was; what is missing of any does.
    reasons = reasons & HOLES if whole else reasons
    why = tuple(sorted(reasons | set(made.reasons) & {TOO_LARGE}))
    completion = PARTIAL if why or not whole else COMPLETE
    labels = made.container.labels
    if before:
        labels = tuple(one for one in labels if one in before.profile.container.labels)
    container = replace(made.container, id="", pod="", pod_uid="", labels=labels)
    return Record(replace(made, container=container, completion=completion, reasons=why), whole)
