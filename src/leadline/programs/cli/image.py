"""``leadline image``: what is inside an image."""

from collections.abc import Callable
from typing import Any

import click

_FLAGS = (
    click.option(
        "-f",
        "--format",
        multiple=True,
        metavar="NAMES",
        help="table, spdx-json, cyclonedx-json, syft-json. A list, with commas or repeated.",
    ),
    click.option(
        "-o", "--output", default="", metavar="FILE", help="Write there; several formats add their suffixes."
    ),
    click.option("-v", "--verbose", is_flag=True, help="Every package and every place."),
    click.option("-q", "--quiet", is_flag=True, help="No remarks on stderr but errors."),
    click.option(
        "--fail-on", multiple=True, metavar="unread", help="Exit 1 when something could not be read."
    ),
    click.option(
        "--platform", default="", metavar="OS/ARCH", help="Which image of several, such as linux/arm64."
    ),
    click.option(
        "-u", "--username", default="", metavar="NAME", help="For the registry; else Docker's settings."
    ),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
    click.option("--insecure", is_flag=True, help="Accept any certificate of the registry, or none at all."),
    click.option("--ca-file", default="", metavar="FILE", help="Certificates to trust, PEM."),
    click.option(
        "--mirror", multiple=True, metavar="REGISTRY=HOST", help="Ask HOST before REGISTRY. May be repeated."
    ),
    click.option("--no-cache", is_flag=True, help="Read every layer anew and remember nothing."),
    click.option("--no-color", is_flag=True, help="No colour."),
    click.option("--debug", is_flag=True, help="Logs and tracebacks on stderr."),
)

EPILOG = """
\b
IMAGE is one of
  nginx:1.27, registry.example/team/app@sha256:…   in a registry
  image.tar, layout/                               an archive or OCI layout, told by its content
  docker-archive:FILE, oci-archive:FILE, oci:DIR   one of these for certain
  docker:NAME, podman:NAME, containerd:NAME        out of a local engine
  project/, dir:ROOT                               sources with lock files, or a root folder
  sbom.json, sbom:FILE, -                          a finished SPDX, CycloneDX or Syft document

The registry's user may also stand in LEADLINE_REGISTRY_USERNAME and LEADLINE_REGISTRY_PASSWORD, or a token in
LEADLINE_REGISTRY_TOKEN. Exit codes: 0 done, 1 a gate failed, 2 wrong usage, 3 cannot be read, 4 a fault of leadline.
"""


def _with_flags(function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_FLAGS):
        function = option(function)
    return function


@click.group("image", short_help="What is inside an image.")
def command() -> None:
    """Lists what is inside an image, and finds what helps an attacker."""


@command.command("sbom", epilog=EPILOG, short_help="The bill of materials of an image.")
@click.argument("image")
@_with_flags
def sbom(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE, as a table or as SPDX, CycloneDX or Syft JSON."""
    return _run(image, flags, is_scan=False)


@command.command("scan", epilog=EPILOG, short_help="The same as leadline scan image.")
@click.argument("image")
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Refused until vulnerabilities are matched."
)
@_with_flags
def scan(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE and finds credentials, set-uid files, root users and outdated distributions.

    Vulnerabilities of the packages are not matched yet.
    """
    return _run(image, flags, is_scan=True)


def _run(image: str, flags: dict[str, Any], *, is_scan: bool) -> int:
    from leadline.programs.cli.imaging.request import image_request
    from leadline.programs.cli.imaging.run import run

    return run(image_request(image, is_scan, flags))
