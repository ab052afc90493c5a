"""The processes of the control plane, seen through the flags of their Pods."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from leadline.model.control import Review, Set
from leadline.model.resource import Resource
from leadline.packages.late_pattern import late_pattern
from leadline.posture.subject import Workload, mapping, mappings, sequence, text


class Flag(Struct, frozen=True):
    """One flag as it is written on the command line, or the environment variable that etcd takes for it."""

    name: str
    value: str
    """Without quotes around it; ``true`` for a bare flag."""
    path: str
    """From the object's root to the word that holds the flag: ``spec.containers[0].command[3]``."""
    value_path: str
    """Where the value is: the same, or the word after it in the form ``--flag value``."""

    @property
    def is_joined(self) -> bool:
        """Whether flag and value are one word, ``--flag=value`` or a bare ``--flag``."""
        return self.path == self.value_path

    @property
    def items(self) -> tuple[str, ...]:
        """The value taken as a comma-separated list."""
        return tuple(item.strip() for item in self.value.split(",") if item.strip())

    @property
    def number(self) -> int | None:
        """The value as a whole number; ``None`` where it is none."""
        return int(self.value) if _NUMBER.fullmatch(self.value) else None

    @property
    def duration_s(self) -> float | None:
        """The value as Go writes durations, ``1h30m``; ``None`` where it is none."""
        if not _DURATION.fullmatch(self.value):
            return None
        return sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(self.value))


_FLAG = late_pattern(r"-(?![0-9]|\Z)")
"""How a flag begins: a hyphen before a digit is the sign of a number, and one alone represents the standard output."""
_NUMBER = late_pattern(r"[+-]?[0-9]{1,18}", re.ASCII)
_DURATION = late_pattern(r"\+?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?(?:h|m|s|ms|us|µs|ns)){1,8}", re.ASCII)
_DURATION_PART = late_pattern(r"([0-9.]+)(h|ms|m|s|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_LOOPBACK = late_pattern(r"127(?:\.[0-9]{1,3}){3}|::1|\[::1\]|localhost", re.ASCII)
_VERSION = late_pattern(r"v?(\d{1,4})\.(\d{1,4})(?:[.+-]|$)", re.ASCII)


class ControlPlaneProcess:
    """A control-plane component. Paths start at the Pod's root."""

    program = ""

    __slots__ = ("_append_at", "_flags", "resource", "version")

    def __init__(self, resource: Resource, workload: Workload, index: int) -> None:
        container = next(c for c in workload.containers if c.list == "containers" and c.index == index)
        words = [(container.path + path, word) for path, word in container.command_line]
        self.resource = resource
        self.version = _version(container.image)
        """Major and minor number of the Kubernetes release by the image's tag; ``(0, 0)`` where it has none."""
        self._flags = _flags(words, is_etcd=self.program == "etcd")
        if self.program == "etcd":
            for flag in _from_environment(container.env, container.path):
                self._flags.setdefault(flag.name, [flag])
        args = [path for path, _ in words if ".args[" in path]
        commands = [path for path, _ in words if ".command[" in path]
        last = (args or commands or [f"{container.path}args[-1]"])[-1]
        stem, _, number = last.rpartition("[")
        self._append_at = (stem, int(number[:-1]) + 1)

    def flag(self, name: str) -> Flag | None:
        """The flag ``name``, written without dashes; of a repeated one the last, ``None`` where it is not given."""
        found = self._flags.get(name)
        return found[-1] if found else None

    def every(self, name: str) -> tuple[Flag, ...]:
        """All places where ``name`` is given. A repeated flag that takes a list adds to it."""
        return tuple(self._flags.get(name, ()))

    def items(self, name: str) -> frozenset[str]:
        """What a flag that takes a list holds, over all places; empty where it is not given."""
        return frozenset(item for flag in self.every(name) for item in flag.items)

    def is_true(self, name: str, *, default: bool) -> bool:
        """The boolean flag ``name``, with the component's own default where it is not given."""
        flag = self.flag(name)
        return default if flag is None else flag.value.lower() in ("true", "t", "1")

    def is_at_least(self, major: int, minor: int) -> bool:
        """Whether the release is that or a later one; an unknown release counts as a supported, recent one."""
        return self.version == (0, 0) or self.version >= (major, minor)

    def change(self, flag: Flag, value: str) -> Set:
        """Writes another value for a flag that is there."""
        return Set(
            flag.value_path, f"--{flag.name}={value}" if flag.is_joined else value, on=self.resource.id
        )

    def append(self, name: str, value: str, *, after: int = 0) -> Set:
        """Writes a flag that is missing behind the last word; ``after`` counts other flags appended before it."""
        stem, index = self._append_at
        return Set(f"{stem}[{index + after}]", f"--{name}={value}", on=self.resource.id)

    def review(self, flag: Flag) -> Review:
        return Review(flag.path, on=self.resource.id)

    def set_to(self, name: str, value: str) -> Set:
        """Writes ``value`` for a flag, whether it is there or not."""
        flag = self.flag(name)
        return self.append(name, value) if flag is None else self.change(flag, value)

    def missing(self, *flags: tuple[str, str]) -> Iterator[Set]:
        """Appends those of ``flags``, pairs of name and value, that are not given or empty."""
        absent = 0
        for name, value in flags:
            flag = self.flag(name)
            if flag is None:
                yield self.append(name, value, after=absent)
                absent += 1
            elif not flag.value or (flag.value == "true" and flag.is_joined):
                yield self.change(flag, value)

    def raise_to(self, name: str, minimum: int) -> Iterator[Set]:
        """Writes ``minimum`` for a flag that is not given, is not a number or is a smaller one."""
        flag = self.flag(name)
        if flag is None or flag.number is None or flag.number < minimum:
            yield self.set_to(name, str(minimum))

    @property
    def listens_locally(self) -> bool:
        """Whether only programs of the same node reach its secure port, or none because it is off."""
        address, port = self.flag("bind-address"), self.flag("secure-port")
        return bool(port and port.number == 0) or bool(address and _LOOPBACK.fullmatch(address.value))

    def with_item(self, name: str, item: str) -> Set:
        """Adds ``item`` to the list that the flag ``name`` holds, and keeps the rest."""
        flag = self.flag(name)
        if flag is None:
            return self.append(name, item)
        return self.change(flag, ",".join((*flag.items, item)))

    def without_items(
        self, name: str, unwanted: Iterable[str], *, instead: str = ""
    ) -> Iterator[Set | Review]:
        """Takes ``unwanted`` out of the list that ``name`` holds.

        Where nothing would be left it is ``instead``, or a person's decision when that is empty.
        """
        unwanted = frozenset(unwanted)
        for flag in self.every(name):
            kept = [item for item in flag.items if item not in unwanted]
            if len(kept) == len(flag.items):
                continue
            left = ",".join(kept) or instead
            yield self.change(flag, left) if left else self.review(flag)


class ApiServer(ControlPlaneProcess):
    program = "kube-apiserver"

    @property
    def has_pod_security_policy(self) -> bool:
        """Whether PodSecurityPolicy exists in this release; from 1.25 on Pod Security admission is in its place."""
        return not self.is_at_least(1, 25)

    @property
    def authorization_file(self) -> Flag | None:
        """The file that names the authorisers; ``None`` where ``--authorization-mode`` does (both at once are refused)."""
        return None if self.flag("authorization-mode") else self.flag("authorization-config")

    @property
    def writes_audit_log_to_output(self) -> bool:
        """Whether the audit log is the process's own output, which the container runtime keeps and rotates."""
        path = self.flag("audit-log-path")
        return path is not None and path.value == "-"

    @property
    def accepts_only_tls_1_3(self) -> bool:
        """Whether no cipher suite can be chosen, because TLS 1.3 has only strong ones."""
        version = self.flag("tls-min-version")
        return version is not None and version.value == "VersionTLS13"

    def with_authorizers(self) -> Iterator[Set]:
        """Writes the authorisers that are there, without ``AlwaysAllow``, and those that no cluster can do without.

        ``Node`` is how kubelets are let in, ``RBAC`` everyone else. Where the flag is given several times, which the
        server adds up, each place is written.
        """
        for flag in self.every("authorization-mode")[:-1]:
            kept = [mode for mode in flag.items if mode != "AlwaysAllow"]
            if len(kept) < len(flag.items):
                yield self.change(flag, ",".join(kept) or "RBAC")
        given = [
            mode for mode in (self.flag("authorization-mode") or _NO_MODES).items if mode != "AlwaysAllow"
        ]
        wanted = [*given, *(mode for mode in ("Node", "RBAC") if mode not in given)]
        yield self.set_to("authorization-mode", ",".join(wanted))


_NO_MODES = Flag("authorization-mode", "", "", "")


class ControllerManager(ControlPlaneProcess):
    program = "kube-controller-manager"


class Scheduler(ControlPlaneProcess):
    program = "kube-scheduler"

    @property
    def settings_file(self) -> Flag | None:
        """The file beside which the scheduler ignores ``--profiling``."""
        return self.flag("config")


class Etcd(ControlPlaneProcess):
    program = "etcd"

    @property
    def settings_file(self) -> Flag | None:
        """The file beside which etcd ignores every flag and environment variable."""
        return self.flag("config-file")


PROCESSES: tuple[type[ControlPlaneProcess], ...] = (ApiServer, ControllerManager, Scheduler, Etcd)
_BY_PROGRAM = {process.program: process for process in PROCESSES}
_STARTERS = frozenset({"go-runner", "hyperkube"})
"""Programs that start the one named after them: kOps, Talos and kube-up write logs through the first."""


def process_of(resource: Resource) -> ControlPlaneProcess | None:
    """The control-plane component that a Pod runs; ``None`` where it runs none.

    A Pod counts by what it starts, in whichever of its containers. Kubernetes' own components live in
    ``kube-system``; etcd may be anywhere. There a container without a command counts by its image's name,
    since only the image knows what it starts.
    """
    if resource.kind != "Pod":
        return None
    is_at_home = resource.namespace in ("kube-system", "")
    for index, container in mappings(mapping(resource.body.get("spec")).get("containers")):
        program = _program(container.get("command"), container.get("args"))
        if not program and is_at_home:
            program = _image_name(text(container.get("image")))
        process = _BY_PROGRAM.get(program)
        if process is None or not (is_at_home or process is Etcd):
            continue
        return process(resource, Workload(resource, ()), index)
    return None


def _program(command: Any, args: Any) -> str:
    """Base name of the program that is run; empty where the image says it. A shell's text is not looked into."""
    words = (*sequence(command), *sequence(args))
    if not words or (not command and text(words[0]).startswith("-")):
        return ""
    name = _base_name(words[0])
    if name in _STARTERS:
        name = next((_base_name(w) for w in words[1:] if not text(w).startswith("-")), name)
    return name


def _base_name(word: Any) -> str:
    return text(word).strip().partition(" ")[0].rpartition("/")[2]


def _flags(words: list[tuple[str, str]], *, is_etcd: bool) -> dict[str, list[Flag]]:
    """The flags by name. Kubernetes' own components take an underscore for a hyphen, etcd does not."""
    flags: dict[str, list[Flag]] = {}
    for position, (path, word) in enumerate(words):
        if not _FLAG.match(word) or not word.strip("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        value_path = path
        if not equals:
            following = words[position + 1] if position + 1 < len(words) else None
            if following is not None and not _FLAG.match(following[1]):
                value_path, value = following
            else:
                value = "true"
        name = name if is_etcd else name.replace("_", "-")
        flags.setdefault(name, []).append(Flag(name, value.strip().strip("\"'"), path, value_path))
    return flags


def _from_environment(env: Iterable[tuple[int, Any]], path: str) -> Iterator[Flag]:
    """Settings of etcd given as ``ETCD_CERT_FILE``; a flag of the same name goes first (https://etcd.io/docs/)."""
    for index, variable in env:
        name, value = text(variable.get("name")), variable.get("value")
        if name.startswith("ETCD_") and isinstance(value, str):
            flag = name.removeprefix("ETCD_").lower().replace("_", "-")
            yield Flag(flag, value.strip(), f"{path}env[{index}].name", f"{path}env[{index}].value")


def _image_name(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _version(image: str) -> tuple[int, int]:
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _VERSION.match(tag)
    return (int(found[1]), int(found[2])) if found else (0, 0)
