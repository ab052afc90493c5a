"""Recorded capabilities and users against a security context.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from collections.abc import Iterator

from msgspec import Struct

from leadline.model import profile as words
from leadline.model.profile import OpenedFile, Profile, Use
from leadline.model.rehearsal import Outcome, Verdict
from leadline.runtime.completeness import knows_capabilities

DEFAULT_CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
     "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
)  # fmt: skip
"""What container runtimes give without being asked; CRI-O gives fewer.

Source: https://github.com/containerd/containerd (pkg/oci/spec.go, defaultUnixCaps)
"""
_TOKEN = "/secrets/kubernetes.io/serviceaccount/"  # noqa: S105
_OF_OVERLAYFS = frozenset({"DAC_READ_SEARCH", "SYS_ADMIN"})
"""What the kernel asks of the one who mounted an overlayfs when any process opens files there, and no runtime gives by default."""
_RAISING = (
    "/su",
    "/sudo",
    "/doas",
    "/pkexec",
    "/newuidmap",
    "/newgidmap",
    "/gosu",
    "/ping",
    "/mount",
    "/umount",
)
"""Programs that other users run with more rights than their own."""


class Rights(Struct, frozen=True):
    """What a security context leaves of a container."""

    capabilities: frozenset[str] | None = None
    """``None`` for all: it is privileged."""
    user: int | None = None
    must_be_no_root: bool = False
    may_gain: bool = True
    """``allowPrivilegeEscalation``."""
    title: str = ""
    has_token: bool = True
    """Whether the token of a service account is mounted."""


def capabilities_left(dropped: frozenset[str], added: frozenset[str]) -> frozenset[str] | None:
    """Without ``CAP_``, upper case, ``ALL`` for all."""
    if "ALL" in added:
        return None
    kept: frozenset[str] = frozenset() if "ALL" in dropped else DEFAULT_CAPABILITIES - dropped
    return kept | added


def rights_outcomes(profile: Profile, rights: Rights) -> Iterator[Outcome]:
    yield from _capability_outcomes(profile, rights)
    yield from _user_outcomes(profile, rights)
    for file in token_reads(profile) if not rights.has_token else ():
        why = "no token of a service account is mounted"
        yield Outcome("file", f"opens {file.path}", "blocked", why, rights.title, file.use)


def token_reads(profile: Profile) -> tuple[OpenedFile, ...]:
    """Files of the token of a service account that were opened, where the API server has it mounted."""
    return tuple(one for one in profile.opened if _TOKEN in one.path and "O_DIRECTORY" not in one.flags)


def _capability_outcomes(profile: Profile, rights: Rights) -> Iterator[Outcome]:
    kept = rights.capabilities is None or (rights.capabilities >= DEFAULT_CAPABILITIES and not rights.user)
    if not kept and not knows_capabilities(profile):
        yield Outcome("capability", "uses capabilities", "unknown", words.NO_CAPABILITIES, rights.title)
    for name in profile.capabilities:
        why = ""
        if rights.capabilities is not None and name.removeprefix("CAP_") not in rights.capabilities:
            why = "the capability is not left"
        elif rights.user and rights.capabilities is not None:
            why = f"user {rights.user} has no capabilities"
        verdict: Verdict = "blocked" if why else "allowed"
        if why and name.removeprefix("CAP_") in _OF_OVERLAYFS:
            verdict, why = (
                "unknown",
                f"{why}, but overlayfs has the kernel ask its mounter, which is recorded alike",
            )
        use = profile.used_capabilities.get(name, Use())
        yield Outcome("capability", f"uses the capability {name}", verdict, why, rights.title, use)


def _user_outcomes(profile: Profile, rights: Rights) -> Iterator[Outcome]:
    users = profile.users
    if users and rights.user is not None and users != (rights.user,):
        what = f"runs as user {', '.join(map(str, users))}"
        why = f"it would run as user {rights.user}, and what that one may read and write is not recorded"
        yield Outcome("user", what, "unknown", why, rights.title)
    elif 0 in users and rights.must_be_no_root and rights.user is None:
        why = "the kubelet starts no container as root there, unless the image names another user"
        yield Outcome("user", "runs as user 0", "blocked", why, rights.title)
    elif users and (rights.must_be_no_root or rights.user is not None):
        yield Outcome("user", f"runs as user {', '.join(map(str, users))}", "allowed", "", rights.title)
    if not rights.may_gain:
        raising = sorted({one.path for one in profile.executed if one.path.endswith(_RAISING)})
        for path in raising if any(users) or not users else ():
            why = "whether it gained rights by that is not recorded"
            yield Outcome("user", f"executes {path}", "unknown", why, rights.title)
