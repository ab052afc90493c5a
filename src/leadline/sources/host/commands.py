"""How the components of a node were started: by their processes, or by the units of systemd that start them.

Sources: https://man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html and
https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html (Command lines, Environment).
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from leadline.sources.host.root_tree import RootTree

PROGRAMS = ("kubelet", "kube-proxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
"""Those before go first."""
_MOST_PROCESSES = 50_000
_MOST_COMMAND_BYTES = 1 << 17
_MOST_UNIT_BYTES = 1 << 18
_VARIABLE = re.compile(r"\$(?:\{(\w{1,200})\}|(\w{1,200}))", re.ASCII)
Words = tuple[str, ...]


def processes(tree: RootTree) -> dict[str, Words]:
    """The command line of each of ``PROGRAMS`` that runs, by its name. Raises: ``OSError``.

    A process of a container may call itself a kubelet: only one in the process namespace of the node counts.
    """
    found: dict[str, Words] = {}
    for name in tree.names("/proc", _MOST_PROCESSES):
        if not (name.isascii() and name.isdigit()):
            continue
        try:
            content = tree.read(f"/proc/{name}/cmdline", _MOST_COMMAND_BYTES)
        except OSError:
            # It ended meanwhile, or is another's whose command line only that one may see.
            continue
        words = tuple(word.decode("utf-8", "replace") for word in (content or b"").split(b"\0") if word)
        program = _program(words)
        if program and program not in found and not (program == "kubelet" and _is_contained(tree, name)):
            found[program] = words
    return found


def _is_contained(tree: RootTree, pid: str) -> bool:
    """In a process namespace of its own: it has a number there, too (``NSpid`` of proc_pid_status(5))."""
    try:
        content = tree.read(f"/proc/{pid}/status", _MOST_COMMAND_BYTES)
    except OSError:
        return False
    lines = (content or b"").splitlines()
    return any(line.startswith(b"NSpid:") and len(line.split()) > 2 for line in lines)


def unit_files(tree: RootTree, units: Sequence[str]) -> tuple[str, ...]:
    """The paths of the units that are there, each with its drop-ins behind it. Raises: ``OSError``."""
    paths: list[str] = []
    for unit in units:
        main = next((p for p in (f"{f}/{unit}" for f in UNIT_FOLDERS) if tree.fact(p) is not None), None)
        if main is not None:
            paths.append(main)
        drop_ins: dict[str, str] = {}
        for folder in reversed(UNIT_FOLDERS):
            drop_ins |= {
                n: f"{folder}/{unit}.d/{n}" for n in tree.names(f"{folder}/{unit}.d") if n.endswith(".conf")
            }
        paths += [drop_ins[name] for name in sorted(drop_ins)]
    return tuple(dict.fromkeys(paths))


def command_of_units(tree: RootTree, paths: Sequence[str]) -> Words | None:
    """What the units at ``paths`` start, their variables filled in; ``None`` where they start nothing. Raises: ``OSError``."""
    variables: dict[str, str] = {}
    command = ""
    for path in paths:
        text = (tree.read(path, _MOST_UNIT_BYTES) or b"").decode("utf-8", "replace")
        for key, value in _entries(text):
            if key == "ExecStart":
                # An empty one takes back what is before it.
                command = value
            elif key == "Environment":
                variables |= dict(_assignments(value))
            elif key == "EnvironmentFile":
                variables |= _environment_file(tree, value)
    return _words(command, variables) if command else None


def _environment_file(tree: RootTree, value: str) -> dict[str, str]:
    content = tree.read(value.removeprefix("-"), _MOST_UNIT_BYTES) or b""
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and line[:1] not in "#;")
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace("\\\n", " ").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            yield key.strip(), value.strip()


def _assignments(value: str) -> Iterator[tuple[str, str]]:
    for word in _split(value):
        name, equals, written = word.partition("=")
        if equals:
            yield name, written


def _words(command: str, variables: Mapping[str, str]) -> Words:
    """A variable that is alone becomes the words it holds, ``${NAME}`` one word."""
    found: list[str] = []
    for word in _split(command.lstrip("-@:+!")):
        alone = _VARIABLE.fullmatch(word)
        if alone is not None and alone[2]:
            found += _split(variables.get(alone[2], ""))
        else:
            found.append(_VARIABLE.sub(lambda m: variables.get(m[1] or m[2], ""), word))
    return tuple(word for word in found if word)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _program(words: Words) -> str:
    name = words[0].rpartition("/")[2] if words else ""
    if name == "hyperkube" and len(words) > 1:
        name = words[1]
    return name if name in PROGRAMS else ""
