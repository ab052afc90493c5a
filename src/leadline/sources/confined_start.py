"""Takes from its own process what a renderer has no need of, and becomes the renderer.

It is started by path in front of the renderer's command and imports nothing of Leadline: its first word is the JSON
of a ``leadline.sources.confinement.Confinement`` with the id of the process that waits for it, the rest is the command.
Whatever it cannot take away ends it with the exit code 126, so that nothing runs with more than was said.

Sources: https://docs.kernel.org/userspace-api/landlock.html, prctl(2), unshare(2), user_namespaces(7)
"""

import ctypes
import json
import os
import signal
import stat
import struct
import sys
from typing import Any

REFUSED_CODE = 126

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls, the same on every architecture."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS_BY_ABI = (0, 13, 14, 15, 15, 16)
"""How many rights on files each version of Landlock knows; later ones know no more."""
_NET_ABI, _SCOPE_ABI = 4, 6
_ALL_TCP, _ALL_SCOPES = 3, 3

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    wish = json.loads(sys.argv[1])
    argv = sys.argv[2:]
    try:
        if not argv:
            sys.stdout.write(json.dumps(offered()))
            return
        _die_with(wish["parent"])
        if wish["network"] == "namespace":
            leave_network()
        if "landlock" in (wish["files"], wish["network"]):
            _enter_landlock(wish)
        os.execve(argv[0], argv, os.environ)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{argv[0] if argv else 'probe'}: {error}\n")
        raise SystemExit(REFUSED_CODE) from error


def offered() -> dict[str, str]:
    """What the kernel lets this process give up; asked for in a process of its own, as it gives it up."""
    abi = landlock_abi()
    network = "landlock" if abi >= _NET_ABI else "none"
    try:
        leave_network()
        network = "namespace"
    except OSError:
        pass
    return {"files": "landlock" if abi > 0 else "none", "network": network}


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def leave_network() -> None:
    """Into a network without a single device that is up. Without privileges that takes a user namespace as well."""
    if _libc.unshare(_CLONE_NEWNET) != 0 and _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise _error("unshare")


def _die_with(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(REFUSED_CODE)


def _enter_landlock(wish: dict[str, Any]) -> None:
    abi = landlock_abi()
    rights = (1 << _RIGHTS_BY_ABI[min(abi, len(_RIGHTS_BY_ABI) - 1)]) - 1
    confines_files = wish["files"] == "landlock"
    attributes = struct.pack("=Q", rights if confines_files else 0)
    if abi >= _NET_ABI:
        attributes += struct.pack("=Q", 0 if wish["network"] == "open" else _ALL_TCP)
    if abi >= _SCOPE_ABI:
        attributes += struct.pack("=Q", _ALL_SCOPES)
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise _error("landlock_create_ruleset")
    if confines_files:
        for path in wish["programs"]:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_DIR)
        for path in wish["readable"]:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in wish["writable"]:
            _allow(ruleset, path, rights & ~_EXECUTE)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
        raise _error("landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, place)
    if _libc.syscall(_ADD_RULE, ruleset, 1, rule, 0) != 0:
        raise _error(f"landlock_add_rule {path}")
    os.close(place)


def _error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
