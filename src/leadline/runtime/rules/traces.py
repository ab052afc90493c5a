"""What would have shown what was done: histories, logs, data."""

import re

from leadline.model.event import FIRST_PROCESS, Executed, Linked, Opened, Removed
from leadline.runtime.names import SHELL_HISTORIES, SHELLS, is_shell, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_TRUNCATE = 0o1000
_KEEP_LOGS = (
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
)
_EMPTY_LOGS = (*_KEEP_LOGS, "nginx", "apache", "httpd")
_REMOVE_LOGS = (*_KEEP_LOGS, "apk", "rpm", "dnf", "yum")
_LOGS_OF_THE_SYSTEM = (
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
_LOGS_OF_LOGINS = ("/wtmp", "/btmp", "/utmp", "/lastlog")
_ERASERS = frozenset(
    {
        "shred",
        "wipe",
        "wipefs",
        "srm",
        "scrub",
        "nwipe",
        "blkdiscard",
        "mkfs",
        "mkfs.ext4",
        "mkfs.xfs",
        "mkfs.ext3",
        "mkfs.btrfs",
        "mke2fs",
    }
)
_ERASING = re.compile(
    r"\brm\s+(?:-\S+\s+)*(?:/|/\*|--no-preserve-root\b)(?:\s|$)|\bdd\b.*\bif=/dev/(?:zero|u?random)\b.*\bof=/dev/(?:sd|vd|nvme|xvd|mapper)|"
    r"journalctl\b.*--vacuum|\bhistory\s+-c\b|unset\s+HISTFILE|HISTFILE=/dev/null|HISTSIZE=0|truncate\s+.*(?:/var/log/|history)"
)
_EMPTIED = re.compile(
    r"""(?:[;&|\n]|\s(?::|true|cat\s+/dev/null|echo(?:\s+-n)?(?:\s+(?:''|""))?))\s*>\s*/var/log/"""
)
"""Nothing is written to a log. What a command writes to one is the log."""
_TOUCH = re.compile(r"\btouch\s+(?:\S+\s+)*(?:-r|-t|-d|--reference|--date)[ =]")


@rule(
    "RL017",
    "History of a shell emptied",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1070.003"),
    on_nodes=True,
)
def history_emptied(event: Opened, actor: Actor) -> str | None:
    """The history of a shell was emptied.

    Commands that were typed are evidence. Who empties the file has typed something that should not be
    seen.

    First:
    - Look at what the container did before: the events say what the history does not.
    - Look at the chain, and find whose session it was.
    - Treat the container as taken over.

    False positives: shells that rewrite their history when they end; they are left out.
    """
    if not event.open_flags & _TRUNCATE or not event.path.endswith(SHELL_HISTORIES):
        return None
    # bash itself writes it at its end, under its own process.
    return (
        None
        if is_shell(actor.tool) and not event.open_flags & 0o100
        else f"{actor.tool} emptied {event.path}"
    )


@rule(
    "RL015",
    "History of a shell removed",
    score=5,
    needs=("exec", "remove"),
    mitre=("TA0005", "T1070.003"),
    falco=("Delete or rename shell history",),
    on_nodes=True,
)
def history_erased(event: Removed, actor: Actor) -> str | None:
    """The history of a shell was removed, emptied or sent to nowhere.

    Commands that were typed are evidence. Who removes them has typed something that should not be seen.

    First:
    - Look at what the container did before: the events say what the history does not.
    - Look at the chain, and find whose session it was.
    - Treat the container as taken over.

    False positives: image builds and home folders that are cleaned.
    """
    if event.what != "file" or not event.path.endswith(SHELL_HISTORIES):
        return None
    return f"{actor.tool} removed {event.path}"


@rule(
    "RL016",
    "History of a shell linked away",
    score=5,
    needs=("exec", "link"),
    mitre=("TA0005", "T1070.003"),
    on_nodes=True,
)
def history_linked(event: Linked, actor: Actor) -> str | None:
    """The history of a shell was linked to /dev/null or renamed, so that nothing stays in it.

    Commands that are typed from then on leave no evidence, and the file still seems to be there.

    First:
    - Look at what the container did before: the events say what the history does not.
    - Look at the chain, and find whose session it was.
    - Treat the container as taken over.

    False positives: images that switch histories off in their build do so before they run.
    """
    return (
        f"{actor.tool} linked {event.path} to {event.target}"
        if event.path.endswith(SHELL_HISTORIES)
        else None
    )


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
    """A log was emptied, overwritten or removed.

    Those who broke in remove what says so.

    First:
    - Read the log where it was sent to: the collector of the cluster has what the file has no more.
    - Look at what the container did before, and at the chain.
    - Send logs to standard output, where no process of the container can take them back.

    False positives: rotation of logs within the container by something that is not called logrotate.
    """
    path = event.path
    if not event.open_flags & _TRUNCATE or not event.open_flags & 3 or not is_log(path):
        return None
    if actor.tool.startswith(_EMPTY_LOGS) or (known is not None and known.opened(path)):
        return None
    if actor.tool == "cp" and "/dev/null" not in actor.arguments and not path.endswith(_LOGS_OF_THE_SYSTEM):
        return None  # What it copies becomes the log.
    # A program may empty its own log when it starts, and so may a script that the pod runs, but no log of the system.
    from_outside = path.endswith(_LOGS_OF_THE_SYSTEM) or (_is_tool(actor.tool) and not actor.is_first)
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


@rule("RL013", "Log removed", score=5, needs=("exec", "remove"), mitre=("TA0005", "T1070.002"), on_nodes=True)
def log_removed(event: Removed, actor: Actor, known: Baseline | None) -> str | None:
    """A log was removed.

    Those who broke in remove what says so.

    First:
    - Read the log where it was sent to: the collector of the cluster has what the file has no more.
    - Look at what the container did before, and at the chain.
    - Send logs to standard output, where no process of the container can take them back.

    False positives: clean-up jobs within the container, and packages that are installed in it.
    """
    path = event.path
    if event.what == "made" or not ("/var/log/" in path or path.endswith(_LOGS_OF_LOGINS)):
        return None
    if actor.tool.startswith(_REMOVE_LOGS) or (known is not None and known.changed(path)):
        return None
    return f"{actor.tool} removed {path}"


@rule(
    "RL014",
    "Data or traces erased",
    score=5,
    needs=("exec",),
    tools=_ERASERS | SHELLS | {"rm", "dd", "journalctl", "truncate", "touch"},
    mitre=("TA0040", "T1485"),
    falco=("Remove Bulk Data from Disk",),
    on_nodes=True,
)
def traces_erased(event: Executed, actor: Actor) -> str | None:
    """A tool that erases data or traces ran.

    Attackers remove what shows how they came in, and some destroy data so that it is paid for.

    First:
    - Stop the container, and keep its disk: what was erased a moment ago can often be read.
    - Look at what it did before, in the events and in the logs that were sent away.
    - Restore what is missing from a backup.

    False positives: jobs that wipe volumes on purpose.
    """
    tool = actor.tool
    if tool in _ERASERS:
        return f"{line_of(event.arguments) or event.path} ran, which erases"
    line = f"{tool} {actor.line}"
    # The script of a pod may rotate its own logs.
    empties = not event.flags & FIRST_PROCESS and _EMPTIED.search(line)
    if empties or _ERASING.search(line) or (tool == "touch" and _TOUCH.search(line)):
        return f"{tool} erases data or traces: {line_of(event.arguments)}"
    return None
