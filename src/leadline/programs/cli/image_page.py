"""What the commands about images have in common once there is a report: the page, the gates, the names of files."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadline.errors import DatabaseError
from leadline.model.image_report import ImageReport
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Asked, Page
from leadline.outputs.rows.place import NoPlaces
from leadline.programs.cli.destinations import Destination, Seal
from leadline.programs.cli.gate_text import verdict_text
from leadline.programs.cli.image_request import ImageRequest
from leadline.programs.cli.terminal import wants_colour, width_of
from leadline.scans.gates import Gates, Verdict
from leadline.version import __version__

if TYPE_CHECKING:
    from leadline.model.images_report import ImagesReport

PIPE_WIDTH = 80


def image_page(
    request: ImageRequest, outcome: Verdict, is_terminal: bool, chosen: tuple[Destination, ...]
) -> Page:
    return Page(
        places=NoPlaces(),
        width=width_of(os.environ, is_terminal=is_terminal, usual=PIPE_WIDTH),
        colour=is_terminal and not request.no_color and wants_colour(os.environ) and not request.output,
        verbose=request.verbose,
        verdict=verdict_text(outcome),
        passed=outcome.passed,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
        asked=Asked(formats=tuple(destination.format.name for destination in chosen)),
    )


def gates_of(request: ImageRequest) -> Gates:
    """The gates that the flags close. A mere SBOM has no findings for a threshold."""
    return Gates(
        severity_threshold=request.severity_threshold if request.is_scan else "",
        fail_on_unread="unread" in request.fail_on,
        fail_on_unmatched="unmatched" in request.fail_on,
    )


def one_image(name: str, report: ImageReport, lost: tuple[Unread, ...]) -> "ImagesReport":
    """As a report about several; ``lost`` is why nothing could be read of it."""
    from leadline.model.images_report import ImagesReport, ScannedImage, UnreadImage  # for what is stored

    if lost:
        return ImagesReport((), (UnreadImage(lost[0]),))
    return ImagesReport((ScannedImage((name,), report),))


def no_database() -> DatabaseError:
    """A gate that most of what it is about cannot reach would pass for the wrong reason."""
    return DatabaseError(
        "--severity-threshold cannot be judged without a vulnerability database",
        hint="make one with 'leadline db build'; --fail-on unread works without",
    )


def output_of(request: ImageRequest) -> str:
    """Several formats share the name without its ending: ``sbom.json`` becomes ``sbom.spdx.json`` and so on."""
    output = "" if request.output == "-" else request.output
    output = output.removesuffix(".age") if request.encrypt else output
    is_one = len(set(request.format)) < 2
    suffixes = (".spdx.json", ".cdx.json", ".syft.json")
    return output if is_one or output.endswith(suffixes) else output.removesuffix(".json")


def sealed_for(
    request: ImageRequest, chosen: tuple[Destination, ...], *, is_terminal: bool
) -> tuple[tuple[Destination, ...], Seal | None]:
    """The destinations, and what their files go through, where they are for recipients alone.

    Raises: ``UsageError`` for keys that are none, or where a terminal would get what is encrypted.
    """
    if not request.encrypt:
        return chosen, None
    from leadline.programs.cli.leaving import leaving_of  # most runs do without

    leaving = leaving_of("", request.encrypt)
    return leaving.destinations(chosen, is_terminal=is_terminal), leaving.seal
