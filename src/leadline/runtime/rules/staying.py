"""How code comes into a container, and how it stays."""

import re

from leadline.model.event import Executed, Opened
from leadline.runtime.names import (
    BUILD_TOOLS,
    DOWNLOADERS,
    INTERPRETERS,
    NETWORK_TOOLS,
    PACKAGE_MANAGERS,
    SHELL_SETTINGS,
    SHELLS,
    is_shell,
    line_of,
)
from leadline.runtime.rule import Actor, Baseline, rule

_INTO_SHELL = re.compile(
    r"\b(?:curl|wget|fetch|busybox\s+wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|a|z|k)?sh\b|\b(?:sh|bash|source|\.|eval)\s+[<\"]?[<$]\(\s*(?:curl|wget)|"
    r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:\S*/)?(?:python|perl|ruby|php|node)"
)
_WRITABLE_BY_ALL = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/tmp", "/dev/shm")
_UNEXPECTED_OF_PACKAGES = (
    DOWNLOADERS
    | NETWORK_TOOLS
    | {
        "base64",
        "env",
        "printenv",
        "whoami",
        "id",
        "hostname",
        "nslookup",
        "dig",
        "host",
        "crontab",
        "chmod",
        "ssh",
        "scp",
        "gpg",
        "xxd",
    }
)
_IN_SHELL = re.compile(
    r"base(?:64|32)\s+(?:-\w*[dD]|--decode)[^|]*\|\s*(?:\S*/)?(?:ba|da|a|z|k)?sh\b|xxd\s+-r[^|]*\|\s*(?:\S*/)?(?:ba|da|z)?sh\b|openssl\s+enc[^|]*-d[^|]*\|"
)
_IN_CODE = re.compile(
    r"(?:exec|eval)\s*\(?.{0,60}(?:b64decode|base64_decode|fromhex|decode\(.(?:base64|hex)|atob\()|Buffer\.from\(.{0,400}base64",
    re.DOTALL,
)
_JOB_FOLDERS = (
    "/etc/cron",
    "/var/spool/cron",
    "/var/spool/at/",
    "/etc/systemd/system/",
    "/lib/systemd/system/",
    "/etc/init.d/",
    "/etc/rc.local",
    "/etc/anacrontab",
    "/etc/kubernetes/manifests/",
    "/etc/update-motd.d/",
)
_SCHEDULERS = frozenset({"cron", "crond", "anacron", "atd", "run-parts"})


@rule(
    "RL038",
    "File fetched from elsewhere",
    score=4,
    needs=("exec",),
    tools=DOWNLOADERS | SHELLS,
    mitre=("TA0011", "T1105"),
    falco=(
        "Launch Ingress Remote File Copy Tools in Container",
        "Network Tool Executed During NPM Package Install",
    ),
)
def download(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A tool fetched a file to where every user can write, or straight into a shell.

    The first step after most ways in is to fetch the real tool. What is fetched into a shell never is a
    file that a scanner could look at.

    First:
    - Look at the address, and fetch the file yourself on a machine that is made for it.
    - Look at whether it ran: other alerts of the container at that time.
    - Close egress by a NetworkPolicy.

    False positives: start scripts that fetch settings; a complete profile silences them.
    """
    words = event.arguments
    if len(words) < 2 or (known is not None and known.ran_so(event)):
        return None
    if is_shell(actor.tool):
        line = actor.line
        if "curl" not in line and "wget" not in line and "fetch" not in line:
            return None
        return (
            f"what was fetched goes straight into a shell: {line_of(words)}"
            if _INTO_SHELL.search(line)
            else None
        )
    targets = (word for word in words[1:] if not word.startswith(("http:", "https:", "ftp:")))
    is_shared = any(
        place in word for word in targets for place in _WRITABLE_BY_ALL[:4]
    ) or event.folder.startswith(_WRITABLE_BY_ALL[4:])
    return f"{line_of(words)} ran" if is_shared else None


@rule(
    "RL039",
    "Tool started by a package's script",
    score=7,
    needs=("exec",),
    tools=_UNEXPECTED_OF_PACKAGES,
    mitre=("TA0001", "T1195.002"),
    on_nodes=True,
)
def install_script(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """The script of a package that was being installed started a tool that installations do not need.

    A package is someone else's code, and runs as you while it is installed.

    First:
    - Find the package: the chain shows the script; take it out and look up its reports.
    - Replace every credential that the installation could read: tokens of registries, clouds and repositories.
    - Install with `--ignore-scripts`, and with versions pinned by hash.

    False positives: packages that fetch a program for their platform in a script.
    """
    if known is not None and known.ran_so(event):
        return None
    for one in actor.above[:6]:
        names = {word.rpartition("/")[2].removesuffix("-cli.js") for word in (one.path, *one.arguments[:3])}
        if names & BUILD_TOOLS or "setup.py" in names or "postinstall.js" in names:
            return f"{line_of(event.arguments) or event.path} ran while packages were installed"
    return None


@rule(
    "RL042",
    "Hidden commands decoded",
    score=6,
    needs=("exec",),
    tools=(*SHELLS, *INTERPRETERS),
    mitre=("TA0005", "T1140"),
    falco=("Decoding Payload in Container",),
    on_nodes=True,
)
def decoded_payload(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """Something encoded was decoded by a tool, as hidden commands are.

    Encoded commands pass filters for words and look harmless in logs.

    First:
    - Decode it yourself: the arguments of the shell above hold it.
    - Look at what ran right after.
    - Look at the chain: how the text came into the container.

    False positives: start scripts that decode certificates; a complete profile silences them.
    """
    if len(event.arguments) < 2 or (known is not None and known.ran_so(event)):
        return None
    line = actor.line
    if (
        "base" not in line
        and "xxd" not in line
        and "openssl" not in line
        and "hex" not in line
        and "ato" not in line
    ):
        return None
    words = _IN_SHELL if actor.tool in SHELLS else _IN_CODE
    if not words.search(line):
        return None
    return f"{actor.tool} decoded what it ran: {line_of(event.arguments)}"


@rule(
    "RL026",
    "Job scheduled",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1053.003"),
    falco=("Schedule Cron Jobs",),
    on_nodes=True,
)
def job_scheduled(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A job was scheduled: cron, at, or a timer or service of systemd.

    What is scheduled comes back after every clean-up. On a mounted root of the node it runs on the node, as root.

    First:
    - Look at what was written, and remove it.
    - Look at whether the path is one of the node, and take the node out of service if so.
    - Use a CronJob of Kubernetes for jobs, and a read-only root for containers.

    False positives: packages that are installed, and images that write their crontab when they start.
    """
    path = event.path
    if not any(folder in path for folder in _JOB_FOLDERS):
        return None
    if (
        actor.is_known_as(PACKAGE_MANAGERS)
        or actor.is_known_as(_SCHEDULERS)
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} wrote {path}"


@rule(
    "RL025",
    "Settings of shells written",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1546.004"),
    falco=("Modify Shell Configuration File",),
    on_nodes=True,
)
def shell_settings_written(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A file was written that every new shell runs.

    What is written there runs again with every shell, as the user who opens it: an attacker stays so
    after the way in is closed.

    First:
    - Look at what was added to the file, and take it out.
    - Look at who logs in there: on a node every session of an administrator.
    - Start the container from its image; set `readOnlyRootFilesystem: true`.

    False positives: installers of tools that add their folder to PATH.
    """
    path = event.path
    if not (path.endswith(SHELL_SETTINGS) or "/etc/profile.d/" in path):
        return None
    if actor.is_known_as({*PACKAGE_MANAGERS, "useradd"}) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} wrote {path}"
