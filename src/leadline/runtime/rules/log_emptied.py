"""A log was emptied, overwritten or removed.

Those who broke in remove what says so.

First:
- Read the log where it was sent to: the collector of the cluster has what the file has no more.
- Look at what the container did before, and at the chain.
- Send logs to standard output, where no process of the container can take them back.

False positives: rotation of logs within the container by something that is not called logrotate.

See: https://attack.mitre.org/techniques/T1070/002/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule

_ROTATES = (
    "logrotate",
    "rsyslog",
    "syslog",
    "journald",
    "newsyslog",
    "nginx",
    "apache",
    "httpd",
    "fluent",
    "vector",
    "kubelet",
    "containerd",
    "dockerd",
    "dpkg",
    "apt",
)
_OF_LOGINS = (
    "/wtmp",
    "/btmp",
    "/utmp",
    "/lastlog",
    "/faillog",
    "/auth.log",
    "/secure",
    "/audit.log",
    "/syslog",
    "/messages",
)
_TRUNCATE = 0o1000


@rule(
    "RL012",
    "Log emptied",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1070.002"),
    falco=("Clear Log Activities",),
    on_nodes=True,
)
def log_emptied(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not event.open_flags & _TRUNCATE or not event.open_flags & 3 or not is_log(path):
        return None
    if actor.tool.startswith(_ROTATES) or (known is not None and known.opened(path)):
        return None
    if actor.tool == "cp" and "/dev/null" not in actor.arguments and not path.endswith(_OF_LOGINS):
        return None  # What it copies becomes the log.
    # A log that a program begins anew at its start is its own, and so is that of a script which the pod runs, unless it is
    # one of the system.
    from_outside = path.endswith(_OF_LOGINS) or (_is_tool(actor.tool) and not actor.is_first)
    return f"{actor.tool} emptied {path}" if from_outside else None


def is_log(path: str) -> bool:
    return "/var/log/" in path or path.endswith(("/wtmp", "/btmp", "/utmp", "/lastlog", ".log"))


def _is_tool(tool: str) -> bool:
    return tool in {
        "sh",
        "bash",
        "dash",
        "ash",
        "zsh",
        "cp",
        "dd",
        "truncate",
        "tee",
        "sed",
        "cat",
        "vi",
        "vim",
        "nano",
        "echo",
        "mv",
        "python3",
        "python",
        "perl",
    }
