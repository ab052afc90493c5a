"""``leadline image`` as click knows it: help, errors, completion. ``main`` passes by when the words are plain."""

from typing import Any

import click

from leadline.programs.cli.imaging.flags import FLAGS, SCAN_FLAGS
from leadline.programs.cli.words.options import with_flags

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


@click.group("image", short_help="What is inside an image.")
def command() -> None:
    """Lists what is inside an image, and finds what helps an attacker."""


@command.command("sbom", epilog=EPILOG, short_help="The SBOM of an image.")
@click.argument("image")
@with_flags(FLAGS)
def sbom(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE, as a table or as SPDX, CycloneDX or Syft JSON."""
    return _run(image, flags, is_scan=False)


@command.command("scan", epilog=EPILOG, short_help="The same as leadline scan image.")
@click.argument("image")
@with_flags(SCAN_FLAGS)
def scan(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE and finds credentials, set-uid files, root users and outdated distributions.

    Vulnerabilities of the packages are not matched yet.
    """
    return _run(image, flags, is_scan=True)


def _run(image: str, flags: dict[str, Any], *, is_scan: bool) -> int:
    from leadline.programs.cli.imaging.request import image_request
    from leadline.programs.cli.imaging.run import run

    return run(image_request(image, is_scan, flags))
