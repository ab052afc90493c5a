"""The configuration of an image
(https://github.com/opencontainers/image-spec/blob/main/config.md), read from bytes that may hold anything.
"""

from typing import Any

from msgspec import DecodeError, Struct, ValidationError, field, json

from leadline.image.secrets import named_kind, secret_kind
from leadline.image.stream import Damaged
from leadline.model.package import ImageConfig, ImageFile

LARGEST_CONFIG = 8 << 20


class _Run(Struct):
    user: str | None = field(name="User", default=None)
    ports: dict[str, Any] | None = field(name="ExposedPorts", default=None)
    env: list[str] | None = field(name="Env", default=None)
    entrypoint: list[str] | None = field(name="Entrypoint", default=None)
    command: list[str] | None = field(name="Cmd", default=None)
    labels: dict[str, str] | None = field(name="Labels", default=None)


class _RootFs(Struct):
    diff_ids: list[str] | None = None


class _Config(Struct):
    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str | None = None
    config: _Run | None = None
    rootfs: _RootFs = field(default_factory=_RootFs)


class ConfigReading(Struct, frozen=True):
    """All that is used of a configuration."""

    config: ImageConfig = ImageConfig()
    diff_ids: tuple[str, ...] = ()
    platform: str = ""
    """``os/architecture[/variant]``."""
    secrets: tuple[ImageFile, ...] = ()
    """Environment variables whose values have the form of a credential, or whose names announce one."""


def read_config(content: bytes) -> ConfigReading:
    """What an image's configuration says.

    Raises:
        Damaged: it is no such configuration.
    """
    if len(content) > LARGEST_CONFIG:
        raise Damaged("the image's configuration is larger than 8 MiB")
    try:
        raw = json.decode(content, type=_Config)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"the image's configuration cannot be read: {error}") from error
    run = raw.config or _Run()
    variables = [line.partition("=") for line in run.env or ()]
    config = ImageConfig(
        user=run.user or "",
        ports=tuple(run.ports or ()),
        entrypoint=tuple(run.entrypoint or ()),
        command=tuple(run.command or ()),
        env_names=tuple(name for name, _, _ in variables),
        labels=tuple(sorted((run.labels or {}).items())),
        created=raw.created or "",
    )
    secrets = tuple(
        ImageFile(f"(configuration) env {name}", "secret", kind)
        for name, _, value in variables
        if (kind := secret_kind(value) or named_kind(name, value))
    )
    platform = "/".join(part for part in (raw.os, raw.architecture, raw.variant) if part)
    return ConfigReading(config, tuple(raw.rootfs.diff_ids or ()), platform, secrets)
