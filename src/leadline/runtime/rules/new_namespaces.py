"""A container made new namespaces for itself.

With a user namespace a process is root within, and reaches parts of the kernel that most escapes begin with.

First:
- Look at the program, and at what it did after: mounts and devices above all.
- Set the seccomp profile RuntimeDefault, which refuses the call without CAP_SYS_ADMIN.
- Set `user.max_user_namespaces=0` on nodes that need none.

False positives: browsers, builders of images and sandboxes; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import NamespaceChanged
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1006",
    "Unexpected unshare Syscall",
    score=5,
    needs=("namespace",),
    mitre=("TA0004", "T1611"),
    falco=("Change namespace privileges via unshare",),
)
def new_namespaces(event: NamespaceChanged, actor: Actor, known: Baseline | None) -> str | None:
    # A program that no container was seen to start is the runtime, on its way in.
    if event.call == "setns" or not event.namespaces or not actor.path:
        return None
    if known is not None and "unshare" in known.syscalls:
        return None
    return f"{actor.tool} made namespaces: {', '.join(event.namespaces)}"
