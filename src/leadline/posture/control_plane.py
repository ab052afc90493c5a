"""The processes of the control plane, seen through the flags of their static Pods."""

from typing import Any

from msgspec import Struct

from leadline.model.control import Review, Set
from leadline.model.resource import Resource
from leadline.posture.subject import Workload, text, workload_of


class Flag(Struct, frozen=True):
    """One flag as it stands on the command line. Of a repeated flag the last one holds."""

    name: str
    value: str
    """``true`` for a bare flag."""
    path: str
    """From the object's root to the word that holds the flag: ``spec.containers[0].command[3]``."""
    value_path: str
    """Where the value stands: the same, or the word after it in the form ``--flag value``."""

    @property
    def is_joined(self) -> bool:
        """Whether flag and value are one word, ``--flag=value`` or a bare ``--flag``."""
        return self.path == self.value_path

    @property
    def items(self) -> tuple[str, ...]:
        """The value taken as a comma-separated list."""
        return tuple(item.strip() for item in self.value.split(",") if item.strip())


class ControlPlaneProcess:
    """A control-plane component. Paths start at the Pod's root; ``flags`` holds what its command line says."""

    program = ""

    __slots__ = ("_append_at", "flags", "resource")

    def __init__(self, resource: Resource, workload: Workload, index: int) -> None:
        container = next(c for c in workload.containers if c.list == "containers" and c.index == index)
        words = [(container.path + path, word) for path, word in container.command_line]
        self.resource = resource
        self.flags: dict[str, Flag] = _flags(words)
        args = [path for path, _ in words if ".args[" in path]
        commands = [path for path, _ in words if ".command[" in path]
        last = (args or commands or [container.path + "command[-1]"])[-1]
        stem, _, number = last.rpartition("[")
        self._append_at = (stem, int(number[:-1]) + 1)

    def flag(self, name: str) -> Flag | None:
        """The flag ``name``, written without dashes; ``None`` where it is not given."""
        return self.flags.get(name)

    def is_true(self, name: str, *, default: bool) -> bool:
        """The boolean flag ``name``, with the component's own default where it is not given."""
        flag = self.flags.get(name)
        return default if flag is None else flag.value.lower() in ("true", "t", "1")

    def change(self, flag: Flag, value: str) -> Set:
        """Writes another value for a flag that is there."""
        return Set(flag.value_path, f"--{flag.name}={value}" if flag.is_joined else value, on=self.resource)

    def append(self, name: str, value: str, *, after: int = 0) -> Set:
        """Writes a flag that is missing behind the last word; ``after`` counts other flags appended before it."""
        stem, index = self._append_at
        return Set(f"{stem}[{index + after}]", f"--{name}={value}", on=self.resource)

    def review(self, flag: Flag) -> Review:
        return Review(flag.path, on=self.resource)


class ApiServer(ControlPlaneProcess):
    program = "kube-apiserver"


class ControllerManager(ControlPlaneProcess):
    program = "kube-controller-manager"


class Scheduler(ControlPlaneProcess):
    program = "kube-scheduler"


class Etcd(ControlPlaneProcess):
    program = "etcd"


PROCESSES: tuple[type[ControlPlaneProcess], ...] = (ApiServer, ControllerManager, Scheduler, Etcd)


def process_of(resource: Resource) -> ControlPlaneProcess | None:
    """The control-plane component that a Pod runs; ``None`` where it runs none.

    A Pod counts by what it starts. Kubernetes' own components live in ``kube-system``; etcd may stand anywhere.
    """
    if resource.kind != "Pod":
        return None
    workload = workload_of(resource)
    for container in workload.containers if workload else ():
        if container.list != "containers" or workload is None:
            continue
        program = _program(container.body.get("command"), container.body.get("args"))
        for process in PROCESSES:
            if program == process.program and (process is Etcd or resource.namespace in ("kube-system", "")):
                return process(resource, workload, container.index)
    return None


def _program(command: Any, args: Any) -> str:
    """Base name of the program that is run; a shell's ``-c`` text is not looked into."""
    words = command if isinstance(command, list) and command else args
    first = text(words[0]) if isinstance(words, list) and words else ""
    head = first.split(None, 1)[0] if first.strip() else ""
    return head.rpartition("/")[2]


def _flags(words: list[tuple[str, str]]) -> dict[str, Flag]:
    flags: dict[str, Flag] = {}
    for position, (path, word) in enumerate(words):
        if not word.startswith("-") or word.strip("-") == "":
            continue
        name, equals, value = word.lstrip("-").partition("=")
        value_path = path
        if not equals:
            following = words[position + 1] if position + 1 < len(words) else None
            if following is not None and not following[1].startswith("-"):
                value_path, value = following
            else:
                value = "true"
        flags[name] = Flag(name, value.strip().strip("\"'"), path, value_path)
    return flags
