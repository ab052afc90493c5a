"""A log was removed.

Those who broke in remove what says so.

First:
- Read the log where it was sent to: the collector of the cluster has what the file has no more.
- Look at what the container did before, and at the chain.
- Send logs to standard output, where no process of the container can take them back.

False positives: clean-up jobs within the container, and packages that are installed in it.

See: https://attack.mitre.org/techniques/T1070/002/
"""

from leadline.model.event import Removed
from leadline.runtime.rule import Actor, Baseline, rule

_ROTATES = (
    "logrotate",
    "rsyslog",
    "syslog",
    "journald",
    "newsyslog",
    "fluent",
    "vector",
    "kubelet",
    "containerd",
    "dockerd",
    "dpkg",
    "apt",
    "apk",
    "rpm",
    "dnf",
    "yum",
)
_LOGINS = ("/wtmp", "/btmp", "/utmp", "/lastlog")


@rule("RL013", "Log removed", score=5, needs=("exec", "remove"), mitre=("TA0005", "T1070.002"), on_nodes=True)
def log_removed(event: Removed, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if event.what == "made" or not ("/var/log/" in path or path.endswith(_LOGINS)):
        return None
    if actor.tool.startswith(_ROTATES) or (known is not None and known.changed(path)):
        return None
    return f"{actor.tool} removed {path}"
