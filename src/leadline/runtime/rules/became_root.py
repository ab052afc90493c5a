"""A process that was not root became root without a tool for it.

A program that may become root, or the kernel, was made to do something that it was not meant for.
As root the way out of the container is shorter.

First:
- Look at the program: one with the set-user bit, or one that uses a fault of the kernel.
- Look at what ran since as root in that container.
- Set `allowPrivilegeEscalation: false`, and update the node's kernel.

False positives: programs with the set-user bit that are not known here; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1548/
"""

from leadline.model.event import IdentityChanged
from leadline.runtime.names import LOGIN_PROGRAMS
from leadline.runtime.rule import Actor, Baseline, rule

_SET_USER = LOGIN_PROGRAMS | {
    "ping",
    "ping6",
    "mount",
    "umount",
    "fusermount",
    "fusermount3",
    "pkexec",
    "dbus-daemon",
    "dbus-daemon-launch-helper",
    "bwrap",
    "newuidmap",
    "newgidmap",
    "at",
    "crontab",
    "chrome-sandbox",
    "gosu",
    "su-exec",
    "setpriv",
    "traceroute",
}


@rule(
    "RL043",
    "Process became root",
    score=6,
    needs=("exec", "identity"),
    mitre=("TA0004", "T1548"),
    falco=("Non sudo setuid",),
)
def became_root(event: IdentityChanged, actor: Actor, known: Baseline | None) -> str | None:
    if (
        not event.uid
        or not actor.path
        or not event.call.startswith(("setuid", "setreuid", "setresuid"))
        or 0 not in event.ids
    ):
        return None
    if actor.is_known_as(_SET_USER) or (known is not None and "SETUID" in known.capabilities):
        return None
    return f"{actor.tool}, of user {event.uid}, asked to become root"
