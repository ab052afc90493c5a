"""The configuration of an image
(https://github.com/opencontainers/image-spec/blob/main/config.md), read from bytes that may hold anything.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from msgspec import DecodeError, Raw, Struct, ValidationError, field, json

from leadline.foreign_errors import in_words
from leadline.model.package import ImageConfig, ImageFile
from leadline.sbom.layers.stream import Damaged
from leadline.sbom.run_rules import ADDED, remote_host
from leadline.sbom.secrets.patterns import named_kind
from leadline.sbom.secrets.scan import command_kind, secret_kind

LARGEST_CONFIG = 8 << 20
CONFIGURATION = "configuration"
_NAMED = 3
LONGEST_STEP = 64 << 10
"""Characters of a build's step; a longer one carries a whole file."""


class _Run(Struct):
    user: str | None = field(name="User", default=None)
    ports: dict[str, Any] | None = field(name="ExposedPorts", default=None)
    env: list[str] | None = field(name="Env", default=None)
    entrypoint: list[str] | None = field(name="Entrypoint", default=None)
    command: list[str] | None = field(name="Cmd", default=None)
    labels: dict[str, str] | None = field(name="Labels", default=None)
    health: Raw = field(name="Healthcheck", default=Raw(b"null"))


class _RootFs(Struct):
    diff_ids: list[str] | None = None


class _Config(Struct):
    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str | None = None
    config: _Run | None = None
    rootfs: _RootFs = field(default_factory=_RootFs)
    history: Raw = Raw(b"[]")
    """Only reported, and so no reason to refuse a configuration whatever it holds."""


class ConfigReading(Struct, frozen=True):
    """All that is used of a configuration."""

    config: ImageConfig = ImageConfig()
    diff_ids: tuple[str, ...] = ()
    platform: str = ""
    """``os/architecture[/variant]``."""
    secrets: tuple[ImageFile, ...] = ()
    """Variables, labels, commands and steps of the build in which a credential is."""
    added: tuple[ImageFile, ...] = ()
    """Steps of the build that fetched a file from elsewhere, each with the host."""
    hidden: tuple[str, ...] = ()
    """These credentials, so that what is shown of the rest of the image can leave them out. Never stored."""


def read_config(content: bytes) -> ConfigReading:
    """What an image's configuration says.

    Raises:
        Damaged: it is something else, or damaged.
    """
    if len(content) > LARGEST_CONFIG:
        raise Damaged("the image's configuration is larger than 8 MiB")
    try:
        raw = json.decode(content, type=_Config)
        run = raw.config or _Run()
        secrets = tuple(_secrets(raw, run))
        added = tuple(_added(raw))
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"the image's configuration cannot be read: {in_words(error)}") from error
    config = ImageConfig(
        user=run.user or "",
        ports=tuple(run.ports or ()),
        entrypoint=tuple(run.entrypoint or ()),
        command=tuple(run.command or ()),
        env_names=tuple(line.partition("=")[0] for line in run.env or ()),
        labels=tuple(sorted((run.labels or {}).items())),
        created=raw.created or "",
    )
    platform = "/".join(part for part in (raw.os, raw.architecture, raw.variant) if part)
    return ConfigReading(
        config, tuple(raw.rootfs.diff_ids or ()), platform, secrets, added, tuple(_hidden(run))
    )


def _hidden(run: _Run) -> Iterator[str]:
    pairs = [line.partition("=")[::2] for line in run.env or ()]
    for name, value in (*pairs, *(run.labels or {}).items()):
        if secret_kind(value) or named_kind(name, value):
            yield value
    for words in (run.entrypoint or (), run.command or (), _test_of(run.health)):
        for flag, word in pairwise(words):
            if flag.startswith("-") and not word.startswith("-") and named_kind(flag.lstrip("-"), word):
                yield word


def _secrets(raw: _Config, run: _Run) -> Iterator[ImageFile]:
    reported: set[str] = set()
    for line in run.env or ():
        name, _, value = line.partition("=")
        # Options of a virtual machine are in one variable, each with a name of its own.
        if kind := secret_kind(value) or named_kind(name, value) or command_kind(value):
            reported.add(line)
            yield _found(f"env {name}", kind)
    for name, value in sorted((run.labels or {}).items()):
        if kind := secret_kind(value) or named_kind(name, value):
            yield _found(f"label {name}", kind)
    commands = {"entrypoint": run.entrypoint, "command": run.command, "health check": _test_of(run.health)}
    for part, words in commands.items():
        if kind := command_kind(" ".join(words or ())):
            yield _found(part, kind)
    for number, step in enumerate(_steps(raw.history), 1):
        # Every variable is in the step that set it as well.
        for line in reported:
            step = step.replace(line, "")
        if kind := command_kind(step):
            yield _found(f"build step {number}", kind)


def _added(raw: _Config) -> Iterator[ImageFile]:
    """As BuildKit writes them: ``ADD [--chown=…] SOURCE… TARGET # buildkit``, without the checksum that was asked for."""
    for number, step in enumerate(_steps(raw.history), 1):
        if step.startswith("ADD "):
            words = step.removesuffix(" # buildkit").split()[1:-1]
            if hosts := list(dict.fromkeys(filter(None, map(remote_host, words)))):
                yield ImageFile(f"({CONFIGURATION}) build step {number}", ADDED, ", ".join(hosts[:_NAMED]))


def _found(part: str, kind: str) -> ImageFile:
    return ImageFile(f"({CONFIGURATION}) {part}", "secret", kind)


def _test_of(health: Raw) -> list[str]:
    read = json.decode(health)
    words = read.get("Test") if isinstance(read, dict) else None
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _steps(history: Raw) -> Iterator[str]:
    """The instruction of each step of the build, empty where none is noted."""
    steps = json.decode(history)
    for step in steps if isinstance(steps, list) else ():
        line = step.get("created_by") if isinstance(step, dict) else None
        yield line[:LONGEST_STEP] if isinstance(line, str) else ""
