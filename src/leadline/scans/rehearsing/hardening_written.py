"""Suggestions for a workload as lines for people and as data: each with what was recorded, and what fails if that is not all."""

from collections.abc import Iterator
from typing import Any

import yaml

from leadline.model.profile import Profile
from leadline.outputs.text.plain import count, plain, source_line, value_text, wrapped
from leadline.runtime.completeness import is_complete
from leadline.runtime.suggest.setting import Setting
from leadline.scans.rehearsing.hardening import Hardening, HeldContainer
from leadline.scans.rehearsing.written import duration, moment, unread_and_notes


def hardening_document(found: Hardening) -> dict[str, Any]:
    return {
        "workload": plain(found.workload),
        "containers": [
            {
                "name": plain(one.name),
                "profiles": [_profile(profile) for profile in one.profiles],
                "suggestions": [_setting(setting) for setting in one.settings],
                "strictSeccompProfile": one.strict_seccomp or None,
                "notSuggested": [{"what": left.what, "why": plain(left.why, 1000)} for left in one.left],
            }
            for one in found.containers
        ],
        "pod": [_setting(one) for one in found.pod],
        "networkPolicy": found.policy.body or None,
        "ciliumNetworkPolicy": found.by_names or None,
        "roles": found.roles,
        "networkPolicyBecause": found.policy.because,
        "networkPolicyLeftOpen": [plain(one, 1000) for one in found.policy.left],
        "patch": "".join(f"{line}\n" for line in found.patch),
        "notes": [plain(one, 1000) for one in found.notes],
        "notRead": [{"where": plain(one.where, 4096), "why": plain(one.why, 1000)} for one in found.unread],
    }


def _setting(one: Setting) -> dict[str, Any]:
    return {
        "path": ".".join(one.path),
        "value": one.value,
        "emptyVolumes": one.folders,
        "because": plain(one.because, 1000),
        "ifWrong": one.if_wrong,
    }


def hardening_lines(found: Hardening, width: int) -> Iterator[str]:
    for one in found.containers:
        yield from _container_lines(found.workload, one, width)
        yield ""
    for setting in found.pod:
        yield from wrapped(f"pod: suggested: {'.'.join(setting.path)}: {value_text(setting.value)}", width)
        for text in (setting.because, f"if the record is not all: {setting.if_wrong}"):
            yield from _inner(plain(text, 1000), width)
    if found.policy.body:
        yield from wrapped("network policy: " + "; ".join(found.policy.because), width)
        yield from (
            f"  {line}"
            for line in wrapped(
                "if the record is not all: other connections of those directions are refused", width - 2
            )
        )
    for left in found.policy.left:
        yield from wrapped(f"network policy: {plain(left, 1000)}", width)
    yield from suggested_text(found)
    if found.by_names:
        yield from ("", "# With Cilium, names in the place of those addresses:", "---")
        text = yaml.dump(found.by_names, Dumper=yaml.CSafeDumper, sort_keys=False)
        yield from map(source_line, text.splitlines())
    for role in found.roles:
        yield from ("", "# What the service account asked for; other requests are refused:", "---")
        text = yaml.dump(role, Dumper=yaml.CSafeDumper, sort_keys=False)
        yield from map(source_line, text.splitlines())
    yield from unread_and_notes(found.unread, found.notes, width)
    number = (
        sum(len(one.settings) for one in found.containers)
        + len(found.pod)
        + bool(found.policy.body)
        + len(found.roles)
    )
    if number:
        yield from wrapped(
            f"{count(number, 'suggestion')}, rehearsed against the same record: nothing of it would be blocked",
            width,
        )


def suggested_text(found: Hardening) -> Iterator[str]:
    """The diff of the manifest, then the network policy."""
    yield from found.patch
    if found.policy.body:
        yield from ("", "---") if found.patch else ()
        text = yaml.dump(found.policy.body, Dumper=yaml.CSafeDumper, sort_keys=False)
        yield from map(source_line, text.splitlines())


def _container_lines(workload: str, one: HeldContainer, width: int) -> Iterator[str]:
    yield from wrapped(f"{plain(workload)}, container {plain(one.name)}", width)
    complete = [profile for profile in one.profiles if is_complete(profile)]
    if not one.profiles:
        yield from _inner("nothing is suggested: no profile is of it", width)
        return
    if not complete:
        reasons = sorted({reason for profile in one.profiles for reason in profile.reasons})
        why = f"nothing is suggested: all of its profiles are partial ({'; '.join(reasons)})"
        yield from _inner(why, width)
        return
    longest = max(profile.until_s - profile.since_s for profile in complete)
    partial = len(one.profiles) - len(complete)
    rest = f" and {partial} partial" if partial else ""
    yield from _inner(
        f"by {count(len(complete), 'complete profile')}{rest}, the longest of {duration(longest)}", width
    )
    for setting in one.settings:
        yield from _inner(f"suggested: {'.'.join(setting.path)}: {value_text(setting.value)}", width)
        for text in (setting.because, f"if the record is not all: {setting.if_wrong}"):
            yield from (f"  {line}" for line in _inner(plain(text, 1000), width - 2))
    if one.strict_seccomp:
        number = len(one.strict_seccomp["syscalls"][0]["names"])
        text = f"stricter than RuntimeDefault: a seccomp profile of {count(number, 'system call')}, as JSON in -f json"
        yield from _inner(text, width)
    for left in one.left:
        yield from _inner(f"not suggested: {left.what}: {plain(left.why, 1000)}", width)
    if not one.settings and not one.left:
        yield from _inner("it is held to all of this already", width)


def _inner(text: str, width: int) -> Iterator[str]:
    return (f"  {line}" for line in wrapped(text, width - 2))


def _profile(one: Profile) -> dict[str, Any]:
    return {
        "container": one.container.id,
        "completion": one.completion,
        "reasons": one.reasons,
        "since": moment(one.since_s),
        "until": moment(one.until_s),
    }
