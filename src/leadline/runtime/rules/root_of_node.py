"""A process of a container took another root folder.

`chroot /host` in a container that has the node's root mounted is a shell on the node.

First:
- Look at what was run after it: the events of the container since then.
- Take the node out of service where the folder was the node's.
- Take hostPath volumes of `/` away from the workload, and CAP_SYS_CHROOT.

False positives: servers that lock themselves into a folder of their own (sshd, vsftpd, unbound), and builders of images.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import RootChanged
from leadline.runtime.rule import Actor, Baseline, rule

_LOCK_THEMSELVES_IN = frozenset(
    {
        "sshd",
        "vsftpd",
        "proftpd",
        "unbound",
        "named",
        "postfix",
        "master",
        "smtpd",
        "haproxy",
        "ntpd",
        "chronyd",
        "bwrap",
        "dovecot",
        "apt",
        "apt-get",
        "gpgv",
        "sshd-session",
        "sshd-auth",
    }
)


@rule("RL023", "Other root folder taken", score=8, needs=("exec", "root"), mitre=("TA0004", "T1611"))
def root_of_node(event: RootChanged, actor: Actor, known: Baseline | None) -> str | None:
    if not actor.path or actor.is_known_as(_LOCK_THEMSELVES_IN) or event.path in (".", "/", ""):
        return None
    if known is not None and event.call in known.syscalls:
        return None
    return f"{actor.tool} took {event.path} as its root folder"
