"""``leadline image``: what is inside an image."""

import os
import sys
from typing import Any

import click

from leadline.errors import SourceError, UsageError
from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageReport
from leadline.model.package import Sbom
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Format, find_format, formats_for
from leadline.outputs.rows.vulnerability_rows import vulnerability_count
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.created import created
from leadline.programs.cli.destinations import Destination, opened, placed, writing
from leadline.programs.cli.flags import (
    chart_flags,
    cluster_flags,
    debug_flag,
    encrypt_flag,
    namespace_flags,
    no_color_flag,
    path_flag,
    quiet_flag,
    together,
    waiver_flags,
)
from leadline.programs.cli.gate_text import verdict_text
from leadline.programs.cli.image_page import (
    PIPE_WIDTH,
    gates_of,
    image_page,
    no_database,
    one_image,
    output_of,
    sealed_for,
)
from leadline.programs.cli.image_request import ImageRequest, image_request, images_request, options_of
from leadline.programs.cli.progress import progress
from leadline.programs.cli.terminal import configure_log, width_of
from leadline.scans.gates import Verdict, image_verdict
from leadline.scans.images.image_scan import image_report, image_scan
from leadline.scans.images.lazy_sbom import open_sbom

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

The registry's user may also stand in LEADLINE_REGISTRY_USERNAME and LEADLINE_REGISTRY_PASSWORD, or a token in
LEADLINE_REGISTRY_TOKEN; LEADLINE_REGISTRY_HOST says which registry they belong to, else that of IMAGE. Exit codes: 0 done, 1 a gate failed, 2 wrong usage, 3 cannot be read, 4 a fault of leadline.
"""


_GATE_FAILED = 1
_with_options = together(
    click.option(
        "-f",
        "--format",
        multiple=True,
        metavar="NAMES",
        help="table, html, json, sarif, junit, gitlab, grype-json … of scans; spdx-json, cyclonedx-json, syft-json. A list.",
    ),
    click.option(
        "-o",
        "--output",
        default="",
        metavar="FILE",
        help="Write there; folders are made, several formats add suffixes.",
    ),
    encrypt_flag,
    click.option("-v", "--verbose", is_flag=True, help="Every package and every place."),
    quiet_flag,
    click.option(
        "--fail-on",
        multiple=True,
        metavar="unread|unmatched",
        help="Exit 1 when something could not be read, or a scan's packages not be matched.",
    ),
    click.option(
        "--digests", is_flag=True, help="In documents: checksums of the files that packages were found in."
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
    click.option("--no-cache", is_flag=True, help="Read every layer anew and cache nothing."),
    no_color_flag,
    debug_flag,
)


@click.group("image")
def command() -> None:
    """Lists what is inside an image, and finds what helps an attacker."""


@command.command("sbom", epilog=EPILOG, short_help="The SBOM of an image.")
@click.argument("image")
@_with_options
@configured("image sbom", lambda flags: (flags["image"],))
def sbom(image: str, **flags: Any) -> int:
    """Lists the packages of IMAGE, as a table or as SPDX, CycloneDX or Syft JSON."""
    return _run(image_request(image, False, flags))


@command.command("scan", epilog=EPILOG, short_help="The same as leadline scan image.")
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@click.option(
    "--from-manifests",
    multiple=True,
    metavar="PATH",
    help="Scan every image that files, folders, charts and kustomizations run. May be repeated.",
)
@click.option("--from-cluster", is_flag=True, help="Scan every image that the cluster runs, each once.")
@cluster_flags
@namespace_flags
@path_flag
@chart_flags
@waiver_flags
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Exit 1 on a finding at or above it."
)
@click.option("--db", default="", metavar="FILE", help="The vulnerability database; else the usual one.")
@click.option("--max-db-age", type=click.IntRange(min=0), metavar="DAYS", help="Refuse an older database.")
@click.option(
    "--vex", multiple=True, metavar="FILE", help="Statements of what is not affected. May be repeated."
)
@click.option(
    "--loaded",
    default="",
    metavar="FILE",
    help="What a container of IMAGE loaded: paths, a recorded profile, or an SBOM of that. It comes first.",
)
@click.option(
    "--trust-policy",
    default="",
    metavar="FILE",
    help="Who may sign which images; the registry is asked, and VEX that they attest is used.",
)
@click.option(
    "--trusted-root",
    default="",
    metavar="FILE",
    help="CAs and logs behind identities, as sigstore writes them.",
)
@click.option("--only-fixable", is_flag=True, help="Leave vulnerabilities without a fix out.")
@click.option(
    "--store", default="", metavar="kube|FILE", help="Write the results into the cluster or a file."
)
@click.option("--store-namespace", default="leadline", metavar="NAME", help="Where results about images go.")
@_with_options
@configured("image scan", lambda flags: (*flags["images"], *flags["from_manifests"]))
def scan(images: tuple[str, ...], **flags: Any) -> int:
    """Finds what is wrong with images: vulnerable packages, credentials, set-uid files, root users, old distributions.

    Several images, or those of --from-manifests and --from-cluster, make one report, with what runs each of them.
    Vulnerabilities come from a database that leadline db build makes; without one the rest is still reported.
    """
    request = images_request(images, flags)
    if request.is_alone:
        return _run(request)
    # Reading manifests and clusters is for these alone.
    from leadline.programs.cli.several_images import run_several

    return run_several(request)


@command.command("verify", short_help="Whether images are signed as a policy asks.")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--policy", default="", metavar="FILE", help="Who may sign what, YAML.")
@click.option(
    "--key", default="", metavar="FILE", help="One public key, PEM, that has to have signed them all."
)
@click.option(
    "--trusted-root",
    default="",
    metavar="FILE",
    help="CAs and logs behind identities, as sigstore writes them; else its public ones.",
)
@click.option("-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Everything that is attached.")
@quiet_flag
@click.option(
    "-u", "--username", default="", metavar="NAME", help="For the registry; else Docker's settings."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--insecure", is_flag=True, help="Accept any certificate of the registry, or none at all.")
@click.option("--ca-file", default="", metavar="FILE", help="Certificates to trust, PEM.")
@debug_flag
@configured("image verify", lambda flags: flags["images"])
def verify(
    images: tuple[str, ...], policy: str, key: str, trusted_root: str, format: str, **flags: Any
) -> int:
    """Shows who signed IMAGEs in a registry, with cosign by key or keyless, and what is attested about them.

    Exit code 1 where an image is not signed as the policy asks, or no rule of it speaks of the image.
    """
    request = images_request(
        images, {**flags, "format": (format,), "from_manifests": (), "from_cluster": False}
    )
    # Signatures are for this command alone.
    from leadline.programs.cli.verify_command import verify as run

    return run(request, policy, key, trusted_root)


@command.command("diff", short_help="What changed from one image to another.")
@click.argument("before")
@click.argument("after")
@click.option("-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Every change.")
@click.option(
    "--severity-threshold",
    default="",
    metavar="SEVERITY",
    help="Exit 1 on a new vulnerability at or above it.",
)
@click.option("--db", default="", metavar="FILE", help="The vulnerability database; else the usual one.")
@click.option("--only-fixable", is_flag=True, help="Leave vulnerabilities without a fix out.")
@quiet_flag
@click.option("--no-cache", is_flag=True, help="Read every layer anew and cache nothing.")
@debug_flag
@configured("image diff", lambda flags: (flags["before"], flags["after"]))
def diff(before: str, after: str, format: str, **flags: Any) -> int:
    """Shows which packages and vulnerabilities AFTER has that BEFORE has not, and the other way round."""
    from leadline.outputs.text.image_diff_text import diff_json, diff_lines
    from leadline.sbom.diff import image_diff  # for this command alone

    configure_log(is_debug=flags["debug"])
    reports = []
    for image in (before, after):
        request = image_request(image, True, {**flags, "is_alone": False})
        with progress(f"opening {image}", is_wanted=not request.quiet) as display:
            reports.append(image_scan(image, options_of(request, created(os.environ), display.say)))
    found = image_diff(*reports)
    if format == "json":
        click.echo(json_text(diff_json(found)))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=PIPE_WIDTH)
        click.echo("\n".join(diff_lines(found, width, verbose=flags["verbose"])))
    if not flags["severity_threshold"]:
        return 0
    if found.after.database is None:
        raise no_database()
    grave = SEVERITIES[: SEVERITIES.index(flags["severity_threshold"]) + 1]
    return _GATE_FAILED if any(match.severity in grave for match in found.new) else 0


def _run(request: ImageRequest) -> int:
    configure_log(is_debug=request.debug)
    is_terminal = os.isatty(1)
    chosen, seal = sealed_for(request, placed(_formats(request), output_of(request)), is_terminal=is_terminal)
    moment = created(os.environ)
    _check_digests(request, chosen)
    with opened(chosen, seal) as sinks:
        with (
            progress(f"opening {request.image}", is_wanted=not request.quiet) as display,
            open_sbom(request.image, options := options_of(request, moment, display.say)) as lazy,
        ):
            documents = {
                one.format.name: lazy.document(one.format.name, one.format.draft, moment)
                for one in chosen
                if one.format.draft is not None
            }
            report = None
            if request.is_scan:
                report = image_report(lazy, options)
            elif len(documents) < len(chosen):
                report = ImageReport(lazy.sbom(), ())
            unread = lazy.unread()
            is_unreadable = lazy.is_unreadable()
        outcome = image_verdict(report, unread, gates_of(request))
        for sink in sinks:
            format = sink.destination.format
            with writing(sink):
                if format.name in documents:
                    sink.stream.buffer.write(documents[format.name])
                elif report is not None:
                    page = image_page(request, outcome, is_terminal, chosen)
                    format.put(report if format.report is ImageReport else report.sbom, sink.stream, page)
    for line in _remarks(request, unread, report, outcome, chosen):
        sys.stderr.write(f"{line}\n")
    if request.store and report is not None:
        # The store speaks HTTP asynchronously; a scan that stores nothing does not pay for the import.
        from leadline.programs.cli.storing import keep_images

        keep_images(request, one_image(request.image, report, unread if is_unreadable else ()))
    if is_unreadable:
        raise _unreadable(request, unread)
    if request.severity_threshold and report is not None and report.database is None:
        raise no_database()
    return 0 if outcome.passed else _GATE_FAILED


def _check_digests(request: ImageRequest, chosen: tuple[Destination, ...]) -> None:
    """Raises ``UsageError`` where nothing that was asked for has a place for them."""
    if request.digests and not any(one.format.draft for one in chosen):
        raise UsageError(
            "--digests goes into documents", hint="add --format spdx-json, cyclonedx-json or syft-json"
        )


def _unreadable(request: ImageRequest, unread: tuple[Unread, ...]) -> SourceError:
    """An empty list of packages would pass for that of an image without any."""
    first = f"{plain(unread[0].where, 4096)}: {plain(unread[0].why)}"
    name = plain(request.image)
    return SourceError(f"nothing could be catalogued in {name}: {len(unread):,} not read, the first {first}")


def _formats(request: ImageRequest) -> list[Format]:
    """An SBOM can be asked of a scan too.

    Raises: ``UsageError`` for an unknown format.
    """
    report = ImageReport if request.is_scan else Sbom
    found: list[Format] = []
    for name in dict.fromkeys(request.format or ("table",)):
        try:
            found.append(find_format(name, report))
        except UsageError:
            if report is Sbom or name not in formats_for(Sbom):
                raise
            found.append(find_format(name, Sbom))
    return found


def _remarks(
    request: ImageRequest,
    unread: tuple[Unread, ...],
    report: ImageReport | None,
    outcome: Verdict,
    chosen: tuple[Destination, ...],
) -> list[str]:
    """What was written, and what it does not say, where no table says so on the screen."""
    if request.quiet:
        return []
    lines = [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "table" and not d.path for d in chosen):
        lines += [f"not read: {plain(one.where, 4096)}: {plain(one.why)}" for one in unread[:5]]
        text = f"{len(unread):,} not read" if unread else "all input read"
        if report is not None and request.is_scan:
            text += f", {count(len(report.findings), 'finding')}, {vulnerability_count(report)}"
        lines.append(verdict_text(outcome) or text)
    return lines
