"""What the flags and the environment say about registries."""

import sys
from collections.abc import Mapping

from leadline.errors import UsageError
from leadline.programs.cli.imaging.request import ImageRequest
from leadline.sources.registry.options import Credential

LONGEST_PASSWORD = 1 << 16


def credential_of(request: ImageRequest, environ: Mapping[str, str]) -> Credential | None:
    """Given by hand or in the environment; ``None`` leaves it to Docker's files."""
    prefix = "LEADLINE_REGISTRY_"
    token = environ.get(f"{prefix}TOKEN", "")
    username = request.username or environ.get(f"{prefix}USERNAME", "")
    password = environ.get(f"{prefix}PASSWORD", "")
    source = f"{prefix}USERNAME and {prefix}PASSWORD"
    if request.password_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username")
        password = sys.stdin.read(LONGEST_PASSWORD).rstrip("\r\n")
        source = "--password-stdin"
    if request.username and not password:
        raise UsageError(
            "--username needs a password",
            hint=f"pipe it in with --password-stdin, or set {prefix}PASSWORD",
        )
    if username and password:
        return Credential(source, username=username, password=password)
    return Credential(f"{prefix}TOKEN", registry_token=token) if token else None


def mirrors_of(written: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """``--mirror REGISTRY=HOST`` as a table, in the order written."""
    mirrors: dict[str, tuple[str, ...]] = {}
    for pair in written:
        registry, equals, mirror = pair.partition("=")
        if not equals or not registry or not mirror:
            raise UsageError(
                f"--mirror takes REGISTRY=HOST (got {pair})", hint="for example docker.io=mirror.example"
            )
        mirrors[registry] = (*mirrors.get(registry, ()), mirror)
    return mirrors
