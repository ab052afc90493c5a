"""Makes a stored suggestion of what a workload could be held to."""

from collections.abc import Iterator

from msgspec import UNSET, json
from msgspec.structs import replace

from leadline.api.kinds.suggestions import (
    HeldTo,
    HeldWorkload,
    NotSuggested,
    ObservedTime,
    SuggestedObject,
    SuggestedSetting,
    digest_of,
)
from leadline.api.posture_results import slug
from leadline.runtime.completeness import is_complete
from leadline.scans.rehearsing.hardening import Hardening
from leadline.scans.rehearsing.written import moment

_OTHERS_REFUSED = "other connections of those directions are refused"


def suggestion_name(workload: HeldWorkload) -> str:
    return slug(f"{workload.kind}-{workload.name}".lower())


def suggestion_of(found: Hardening, api_version: str = "") -> HeldTo:
    """``found.workload`` is ``namespace/Kind/name``."""
    namespace, kind, name = found.workload.split("/", 2)
    made = HeldTo(
        HeldWorkload(api_version, kind, namespace, name),
        tuple(_settings(found)) or None,
        tuple(_objects(found)) or None,
        tuple(_left(found)) or None,
        _observed(found),
    )
    return replace(made, digest=digest_of(json.decode(json.encode(made))))


def _settings(found: Hardening) -> Iterator[SuggestedSetting]:
    """Of the pod as a whole first, which no container is named with."""
    every = [("", setting) for setting in found.pod]
    every += [(one.name, setting) for one in found.containers for setting in one.settings]
    for container, one in every:
        path = ".".join(one.path)
        yield SuggestedSetting(container, path, one.value, one.because, one.if_wrong, one.folders or UNSET)


def _objects(found: Hardening) -> Iterator[SuggestedObject]:
    if found.policy.body:
        yield SuggestedObject(found.policy.body, "; ".join(found.policy.because), _OTHERS_REFUSED)


def _left(found: Hardening) -> Iterator[NotSuggested]:
    for one in found.containers:
        for left in one.left:
            yield NotSuggested(one.name, left.what, left.why)
        if not one.complete:
            yield NotSuggested(one.name, "everything", "none of its profiles is complete")
    for why in found.policy.left:
        yield NotSuggested("", "NetworkPolicy", why)


def _observed(found: Hardening) -> ObservedTime:
    profiles = [profile for one in found.containers for profile in one.profiles]
    complete = [one for one in profiles if is_complete(one)]
    reasons = sorted({reason for one in profiles for reason in one.reasons})
    return ObservedTime(
        len(complete),
        len(profiles) - len(complete),
        moment(min((one.since_s for one in complete), default=0.0)),
        moment(max((one.until_s for one in complete), default=0.0)),
        tuple(reasons) or None,
    )
