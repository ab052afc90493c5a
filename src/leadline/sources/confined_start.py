"""Takes from its own process what a renderer has no need of, and becomes the renderer.

It is started by path in front of the renderer's command and imports nothing of Leadline and little else, so that it costs
hardly more than Python's own start. Its words are the id of the process that waits for it, the modes of
``leadline.sources.confinement.Modes``, how many programs, readable and writable places follow, these places, and the
command. Without words it says which modes there are. What it cannot take away ends it with the exit code 126, so that
nothing runs with more than was said.

Sources: https://docs.kernel.org/userspace-api/landlock.html, prctl(2), unshare(2), user_namespaces(7)
"""

import ctypes
import os
import stat
import struct
import sys

REFUSED_CODE = 126

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls, the same on every architecture."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
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
    words = sys.argv[1:]
    try:
        if not words:
            sys.stdout.write(" ".join(offered()))
            return
        parent, files, network, *counts = words[:6]
        places = words[6:]
        groups = []
        for count in map(int, counts):
            groups.append(places[:count])
            places = places[count:]
        _die_with(int(parent))
        if network == "namespace":
            leave_network()
        if "landlock" in (files, network):
            _enter_landlock(groups if files == "landlock" else None, closes_network=network != "open")
        os.execve(places[0], places, os.environ)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{words[-1] if words else 'probe'}: {error}\n")
        raise SystemExit(REFUSED_CODE) from error


def offered() -> tuple[str, str]:
    """For files and network, what the kernel lets this process give up; asked for in a process of its own, as it gives it up."""
    abi = landlock_abi()
    network = "landlock" if abi >= _NET_ABI else "none"
    try:
        leave_network()
        network = "namespace"
    except OSError:
        pass
    return "landlock" if abi > 0 else "none", network


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def leave_network() -> None:
    """Into a network without a single device that is up. Without privileges that takes a user namespace as well."""
    if _libc.unshare(_CLONE_NEWNET) != 0 and _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise _error("unshare")


def _die_with(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(REFUSED_CODE)


def _enter_landlock(groups: list[list[str]] | None, *, closes_network: bool) -> None:
    """``groups``: what may be run and read, read, and written; ``None`` leaves files as they are."""
    abi = landlock_abi()
    rights = (1 << _RIGHTS_BY_ABI[min(abi, len(_RIGHTS_BY_ABI) - 1)]) - 1
    attributes = struct.pack("=Q", 0 if groups is None else rights)
    if abi >= _NET_ABI:
        attributes += struct.pack("=Q", _ALL_TCP if closes_network else 0)
    if abi >= _SCOPE_ABI:
        attributes += struct.pack("=Q", _ALL_SCOPES)
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise _error("landlock_create_ruleset")
    allowed = (_EXECUTE | _READ_FILE | _READ_DIR, _READ_FILE | _READ_DIR, rights & ~_EXECUTE)
    for paths, kind in zip(groups or (), allowed, strict=False):
        for path in paths:
            _allow(ruleset, path, kind)
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
