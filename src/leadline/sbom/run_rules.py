"""What is wrong with how an image says that it runs: the same of its configuration and of the Dockerfile it is built from."""

from typing import Final

from leadline.model.package import Account
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.identity.accounts import root_reason

CACHE: Final = "cache"
ADDED: Final = "added"
"""Why a folder, and a step of the build, are in an SBOM."""
EMPTY_CACHE = {
    "apt": "rm -rf /var/lib/apt/lists/* in the same RUN",
    "apk": "apk add --no-cache",
    "dnf": "dnf clean all in the same RUN",
    "zypper": "zypper clean --all in the same RUN",
    "pip": "pip install --no-cache-dir",
}
"""How a build leaves nothing behind of what a package manager fetched."""
CACHE_FOLDERS = {
    "var/lib/apt/lists": "apt",
    "var/cache/apt/archives": "apt",
    "var/cache/apk": "apk",
    "etc/apk/cache": "apk",
    "var/cache/dnf": "dnf",
    "var/cache/yum": "dnf",
    "var/cache/libdnf5": "dnf",
    "var/cache/zypp": "zypper",
    "root/.cache/pip": "pip",
}
"""Where it lies, and which package manager keeps it there."""
HOMES = "home/"
_OF_HOMES = {".cache/pip": "pip"}


def keeper_of_cache(folder: str) -> str:
    """The package manager that keeps what it fetched in ``folder``, or in that folder of a user's; empty for none."""
    known = CACHE_FOLDERS.get(folder, "")
    if known or not folder.startswith(HOMES):
        return known
    return _OF_HOMES.get(folder.removeprefix(HOMES).partition("/")[2], "")


NAME_A_USER = "name another user in the image's last USER line, by number where Kubernetes is to verify it"
REACH_OTHERWISE = "let nothing listen there; kubectl exec and port-forward reach a container without it"
REMOTE_ACCESS = {
    21: "FTP",
    22: "SSH",
    23: "Telnet",
    512: "rexec",
    513: "rlogin",
    514: "rsh",
    2345: "debugger of Go",
    2375: "Docker without TLS",
    2376: "Docker",
    2379: "etcd",
    3389: "RDP",
    5005: "debugger of Java",
    5678: "debugger of Python",
    5900: "VNC",
    5985: "WinRM",
    5986: "WinRM",
    9229: "debugger of Node.js",
    10250: "kubelet",
}
"""TCP ports by which a program or a machine is steered
(https://www.iana.org/assignments/service-names-port-numbers, and the habits of debuggers)."""


_COMMIT = late_pattern(r"#[0-9a-f]{40}(?:[0-9a-f]{24})?(?::|$)")
_REMOTE = late_pattern(r"(?i)(?:(?:https?|ssh|git)://(?:[^/@]*@)?|git@)([^/:?#]+)")


def remote_host(source: str) -> str:
    """Of what ADD fetches from elsewhere; empty for files of the build, and for a repository at one commit."""
    found = _REMOTE.match(source)
    return found[1] if found and not _COMMIT.search(source) else ""


def administrator(user: str, accounts: tuple[Account, ...] | None, *, is_windows: bool) -> str:
    """Why the image's user may do everything; empty where it may not, or that is not known. ``accounts`` as ``root_reason``."""
    if not is_windows:
        return root_reason(user, accounts)
    return f"user {user}" if user.rpartition("\\")[2].lower() == "containeradministrator" else ""


def remote_access(port: str) -> str:
    """What a port, ``22/tcp``, or ``22`` for the same, is there to steer; empty for any other."""
    number, _, protocol = port.partition("/")
    is_number = number.isascii() and number.isdecimal() and len(number) < 6
    return REMOTE_ACCESS.get(int(number), "") if is_number and protocol.lower() in ("", "tcp") else ""
