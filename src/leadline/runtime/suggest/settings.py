"""A security context and volumes that allow what was recorded, and nothing that was not needed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from leadline.model import profile as words
from leadline.model.profile import Profile
from leadline.runtime.completeness import knows_capabilities
from leadline.runtime.rehearsal.files import Mounts, file_outcomes
from leadline.runtime.rehearsal.rights import Rights, rights_outcomes, token_reads
from leadline.runtime.rehearsal.seccomp import runtime_default, seccomp_outcomes
from leadline.runtime.suggest.read_only_root import root_settings
from leadline.runtime.suggest.setting import Left, Setting


def settings_for(profiles: Sequence[Profile], mounts: Mounts, rights: Rights) -> Iterator[Setting | Left]:
    """``profiles`` are complete ones of the same container; ``mounts`` and ``rights`` as it has them now."""
    yield from root_settings(profiles, mounts)
    yield from _capabilities(profiles, rights)
    yield from _user(profiles, rights)
    yield from _seccomp(profiles, rights)


def pod_settings(profiles: Sequence[Profile]) -> Iterator[Setting]:
    """What the record of all containers of a pod says of the pod; paths are from its spec."""
    if not any(token_reads(one) for one in profiles):
        yield Setting(
            ("automountServiceAccountToken",),
            False,
            "no container opened the token of the service account",
            "requests to the API server are anonymous, and refused",
        )


def _capabilities(profiles: Sequence[Profile], rights: Rights) -> Iterator[Setting | Left]:
    if not all(map(knows_capabilities, profiles)):
        yield Left("capabilities", words.NO_CAPABILITIES)
        return
    used = sorted(_used(profiles, rights))
    value: dict[str, Any] = {"drop": ["ALL"]}
    if used:
        value["add"] = used
    because = f"used were {', '.join(used)}" if used else "none was used"
    yield Setting(
        ("securityContext", "capabilities"), value, because, "what needs another capability fails with EPERM"
    )


def _used(profiles: Sequence[Profile], rights: Rights) -> frozenset[str]:
    """None that the container does not have now: overlayfs asks its mounter, and it is recorded as if the container had it."""
    if rights.capabilities is not None and not all(map(knows_capabilities, profiles)):
        return rights.capabilities
    recorded = frozenset(name.removeprefix("CAP_") for one in profiles for name in one.capabilities)
    return recorded if rights.capabilities is None else recorded & rights.capabilities


def _user(profiles: Sequence[Profile], rights: Rights) -> Iterator[Setting | Left]:
    users = sorted({user for one in profiles for user in one.users})
    held = Rights(None, may_gain=False)
    doubts = [
        outcome.what
        for one in profiles
        for outcome in rights_outcomes(one, held)
        if outcome.verdict != "allowed"
    ]
    if doubts:
        yield Left("allowPrivilegeEscalation: false", f"it {doubts[0]}, which may have gained rights")
    elif rights.may_gain:
        because = "no program was executed that gains rights"
        yield Setting(
            ("securityContext", "allowPrivilegeEscalation"),
            False,
            because,
            "programs with setuid or file capabilities get no more rights",
        )
    if users and 0 not in users and not rights.must_be_no_root:
        because = f"it ran as user {', '.join(map(str, users))}"
        yield Setting(
            ("securityContext", "runAsNonRoot"), True, because, "an image that runs as root is not started"
        )
    elif 0 in users:
        yield Left("runAsNonRoot", "it ran as user 0")


def _seccomp(profiles: Sequence[Profile], rights: Rights) -> Iterator[Setting | Left]:
    what = "seccompProfile"
    if not all(one.syscalls for one in profiles):
        yield Left(what, "system calls were not recorded")
        return
    used = _used(profiles, rights)
    refused = sorted(
        {
            outcome.what
            for one in profiles
            for outcome in seccomp_outcomes(one, runtime_default("", used))
            if outcome.verdict != "allowed"
        }
    )
    if refused:
        yield Left(what, f"it {refused[0]}, which RuntimeDefault refuses")
        return
    calls = len({call for one in profiles for call in one.syscalls})
    because = f"none of its {calls} system calls is refused by it"
    yield Setting(
        ("securityContext", what),
        {"type": "RuntimeDefault"},
        because,
        "mount, bpf, keyctl and the like fail with EPERM",
    )


def is_held(profile: Profile, mounts: Mounts, rights: Rights) -> bool:
    """Whether nothing of ``profile`` would be blocked or unknown."""
    outcomes: Iterable[Any] = (*file_outcomes(profile, mounts), *rights_outcomes(profile, rights))
    return all(one.verdict == "allowed" for one in outcomes)
