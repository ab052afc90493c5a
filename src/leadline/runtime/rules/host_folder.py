"""A program read or wrote where the root of the node is usually mounted, with credentials or settings of the node in it.

Certificates and settings of the kubelet or of the control plane are keys to the whole cluster.

First:
- Look at what was opened, and replace the credentials that were.
- Take the hostPath volume away, or mount the one folder that is needed, read-only.
- Take the node out of service where something was written.

False positives: agents of nodes, such as collectors of logs and monitoring; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import Opened
from leadline.runtime.names import is_written
from leadline.runtime.rule import Actor, Baseline, rule

_ROOTS = (
    "/host/",
    "/hostfs/",
    "/rootfs/",
    "/host-root/",
    "/hostroot/",
    "/mnt/host/",
    "/node/",
    "/noderoot/",
    "/proc/1/root/",
)
_INNER = (
    "etc/",
    "root/",
    "home/",
    "var/lib/kubelet/",
    "var/lib/etcd/",
    "usr/",
    "bin/",
    "boot/",
    "var/spool/",
    "opt/",
)


@rule(
    "RL052",
    "Root of the node opened",
    score=6,
    needs=("exec", "open"),
    mitre=("TA0004", "T1611"),
    falco=("Container Access to Host Sensitive Paths",),
)
def host_folder(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.startswith(_ROOTS):
        return None
    root = next((one for one in _ROOTS if path.startswith(one)), "")
    if not root or not path.startswith(_INNER, len(root)) or (known is not None and known.opened(path)):
        return None
    return (
        f"{actor.tool} {'wrote' if is_written(event) else 'read'} {path}"
        if is_written(event) or "etc/" in path or "/root/" in path
        else None
    )
