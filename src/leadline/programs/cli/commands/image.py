"""``leadline image``: what is inside an image."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from leadline.errors import GATE_FAILED, UsageError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import (
    CHARTS,
    CLUSTER,
    DATABASE,
    NAMESPACES,
    TRUST,
    WAIVERS,
    Request,
    takes,
)
from leadline.programs.cli.output.showing import show
from leadline.programs.cli.output.terminal import PIPE_WIDTH, configure_log, progress, width_of
from leadline.programs.cli.scanning.database import with_database
from leadline.programs.cli.scanning.images import need_database, run_one, run_several
from leadline.programs.cli.scanning.requests import created, grave, image_options, image_request
from leadline.scans.images.image_scan import image_scan

if TYPE_CHECKING:
    from leadline.api.provider.wire import ImageContent
    from leadline.model.image_report import ImageReport

EPILOG = """
\b
IMAGE is one of
  nginx:1.27, registry.example/team/app@sha256:…
      in a registry
  image.tar, layout/
      an archive or OCI layout, recognised by its content
  docker-archive:FILE, oci-archive:FILE, oci:DIR
      one of these for certain
  docker:NAME, podman:NAME, containerd:NAME
      out of a local engine
  project/, dir:ROOT
      sources with lock files, or a root folder
  sbom.json, sbom:FILE, -
      a finished SPDX, CycloneDX or Syft document

The registry's user may also be in LEADLINE_REGISTRY_USERNAME and LEADLINE_REGISTRY_PASSWORD, or a token in
LEADLINE_REGISTRY_TOKEN; LEADLINE_REGISTRY_HOST says which registry they belong to, else that of IMAGE. Exit codes: 0 done, 1 a gate failed, 2 wrong usage, 3 cannot be read, 4 a fault of leadline.
"""
_REGISTRY = ("username", "password_stdin", "accept_any_certificate", "ca_file")
_READING = ("with_digests", "platform", *_REGISTRY, "mirror", "no_cache", "no_color", "debug")
_report_flags = takes(
    *("format", "output", "encrypt", "verbose", "quiet", "fail_on"),
    *_READING,
    format=Flag(
        "table, html, json, sarif, junit, gitlab, grype-json … of scans; spdx-json, cyclonedx-json, syft-json.",
        "NAMES",
    ),
    verbose=Flag("Every package and every place."),
    fail_on=Flag(
        "Exit 1 when something could not be read, or a scan's packages not be matched.", "unread|unmatched"
    ),
)
_table_or_json = click.option(
    "-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@click.group("image")
def command() -> None:
    """Lists what is inside an image, and finds what helps an attacker."""


@command.command(
    "sbom",
    cls=ConfiguredCommand,
    keys="image sbom",
    targets=lambda flags: (flags["image"],),
    epilog=EPILOG,
    short_help="The SBOM of an image.",
)
@click.argument("image")
@_report_flags
def sbom(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE, as a table or as SPDX, CycloneDX or Syft JSON."""
    return run_one(image_request((image,), flags, is_scan=False), is_scan=False)


@command.command(
    "scan",
    cls=ConfiguredCommand,
    keys="image scan",
    targets=lambda flags: (*flags["images"], *flags["from_manifests"]),
    epilog=EPILOG,
    short_help="The same as leadline scan image.",
)
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@takes(
    *("from_manifests", "from_cluster", *CLUSTER, *NAMESPACES, "exclude_paths", *CHARTS, *WAIVERS),
    *("severity_threshold", *DATABASE, "oldest_database_days"),
    *("vex", "loaded", *TRUST, "only_fixable", "severities", "scanners", "exit_code", "deny_licences"),
    *("store", "store_namespace", "submit", "submit_dry_run", "submit_ca"),
    trust_policy=Flag(
        "Who may sign which images; the registry is asked, and VEX that they attest is used.", "FILE"
    ),
    store=Flag("Write the results into the cluster or a file.", "kube|FILE"),
    store_namespace=Flag("Where results about images go."),
)
@_report_flags
def scan(images: tuple[str, ...], **flags: Any) -> int:
    """Finds what is wrong with images: vulnerable packages, credentials, set-uid files, root users, old distributions.

    Several images, or those of --from-manifests and --from-cluster, make one report, with what runs each of them.
    Vulnerabilities come from a database that leadline db fetch gets; without one the rest is still reported.
    """
    request = image_request(tuple(dict.fromkeys(images)), flags)
    if not (request.submit or request.submit_dry_run or request.submit_ca):
        return _scanned(request)
    # Speaking to a provider needs HTTP, TLS and the proofs.
    from leadline.programs.cli.scanning.submitting import check_submission, delivered
    from leadline.scans.submitting.submission import image_content

    place = check_submission(request)
    if place is None:
        return _scanned(request)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    messages: list[ImageContent] = []
    code = _scanned(request, lambda report: messages.append(image_content(report, at)))
    return delivered(request, place, messages, code)


def _scanned(request: Request, take: "Callable[[ImageReport], None] | None" = None) -> int:
    request = with_database(request)
    if len(request.targets) == 1:
        return run_one(request, is_scan=True, take=take)
    return run_several(request, take)


@command.command(
    "verify",
    cls=ConfiguredCommand,
    keys="image verify",
    targets=lambda flags: flags["images"],
    short_help="Whether images are signed as a policy asks.",
)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--policy", default="", metavar="FILE", help="Who may sign what, YAML.")
@click.option(
    "--key", default="", metavar="FILE", help="One public key, PEM, that has to have signed them all."
)
@takes(
    "trusted_root",
    trusted_root=Flag("CAs and logs behind identities, as sigstore writes them; else its public ones."),
)
@_table_or_json
@takes("verbose", "quiet", *_REGISTRY, "debug", verbose=Flag("Everything that is attached."))
def verify(images: tuple[str, ...], policy: str, key: str, format: str, **flags: Any) -> int:
    """Shows who signed IMAGEs in a registry, with cosign by key or keyless, and what is attested about them.

    Exit code 1 where an image is not signed as the policy asks, or no rule of it speaks of the image.
    """
    # Signatures are for this command alone.
    from leadline.outputs.text.trust_text import is_fine, trust_json, trust_lines
    from leadline.scans.images.verify_images import policy_of_key, read_trust_policy, verify_images

    request = image_request(tuple(dict.fromkeys(images)), flags)
    configure_log(is_debug=request.debug)
    if bool(policy) == bool(key):
        raise UsageError("either --policy or --key says who may sign", hint="--key FILE takes one public key")
    trust = read_trust_policy(policy, request.trusted_root) if policy else policy_of_key(key)
    with progress(f"asking for signatures of {images[0]}", is_wanted=not request.quiet) as display:
        found = verify_images(request.targets, trust, image_options(request, "", display.say))
    width = width_of(os.environ, is_terminal=os.isatty(1), usual=PIPE_WIDTH)
    show(format, lambda: trust_json(found), lambda: trust_lines(found, width, verbose=request.verbose))
    return 0 if all(map(is_fine, found)) else GATE_FAILED


@command.command(
    "diff",
    cls=ConfiguredCommand,
    keys="image diff",
    targets=lambda flags: (flags["before"], flags["after"]),
    short_help="What changed from one image to another.",
)
@click.argument("before")
@click.argument("after")
@_table_or_json
@takes(
    *(
        "verbose",
        "severity_threshold",
        *DATABASE,
        "only_fixable",
        "quiet",
        "no_cache",
        "debug",
    ),
    verbose=Flag("Every change."),
    severity_threshold=Flag("Exit 1 on a new vulnerability at or above it."),
)
def diff(before: str, after: str, format: str, **flags: Any) -> int:
    """Shows which packages and vulnerabilities AFTER has that BEFORE has not, and the other way round."""
    # For this command alone.
    from leadline.scans.images.image_diff import compared_images, diff_json, diff_lines

    request = with_database(image_request((before, after), flags))
    configure_log(is_debug=request.debug)
    reports = []
    for image in (before, after):
        with progress(f"opening {image}", is_wanted=not request.quiet) as display:
            reports.append(image_scan(image, image_options(request, created(os.environ), display.say)))
    found = compared_images(*reports)
    width = width_of(os.environ, is_terminal=os.isatty(1), usual=PIPE_WIDTH)
    show(format, lambda: diff_json(found), lambda: diff_lines(found, width, verbose=request.verbose))
    need_database(request, (found.after,))
    return (
        GATE_FAILED if any(match.severity in grave(request.severity_threshold) for match in found.new) else 0
    )
