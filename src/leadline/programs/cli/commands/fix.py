"""``leadline fix``: edits manifests, charts and kustomizations so that findings go away."""

from typing import Any

import click

from leadline.errors import UsageError
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.fixing import fix_files
from leadline.programs.cli.flags import (
    chart_flags,
    control_flags,
    debug_flag,
    namespace_flags,
    no_color_flag,
    path_flag,
    quiet_flag,
    waiver_flags,
)
from leadline.programs.cli.scan_request import request_without_report, split_words

EPILOG = """
\b
  leadline fix deploy/ --dry-run
      the edits as a diff
  leadline fix framework nsa deploy/
      shows them, asks, and writes
  leadline fix control C-0057 app.yaml --yes
      writes without asking
  leadline fix deploy/ --format patch | git apply

Every edit is tried on a copy first and judged again: what does not remove its finding, or changes anything else, is
not made. What takes a decision is listed as a question.

Exit codes: 0 the edits were made, 2 wrong usage, 3 nothing could be read or written, 4 a fault of leadline.
"""


@click.command("fix", epilog=EPILOG)
@click.argument("words", metavar="[framework|control|workload NAME] PATH...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show the edits and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Write without asking.")
@click.option(
    "-f", "--format", type=click.Choice(["diff", "patch"]), default="diff", help="patch: for git apply."
)
@click.option("-v", "--verbose", is_flag=True, help="Every question, and every edit that was not made.")
@quiet_flag
@namespace_flags
@path_flag
@control_flags
@waiver_flags
@chart_flags
@no_color_flag
@debug_flag
@configured("fix", lambda flags: split_words(flags["words"])[2])
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Edits manifests, charts and kustomizations so that findings go away."""
    is_dry_run, is_agreed, format = flags.pop("dry_run"), flags.pop("yes"), flags.pop("format")
    request = request_without_report(words, flags)
    if not request.targets:
        raise UsageError("name a file or a folder to fix", hint="for example: leadline fix deploy/")
    return fix_files(request, is_dry_run=is_dry_run, is_agreed=is_agreed, as_patch=format == "patch")
