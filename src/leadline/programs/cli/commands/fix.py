"""``leadline fix``: edits manifests, charts and kustomizations so that findings go away."""

from typing import Any

import click

from leadline.errors import UsageError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import FIXING, takes
from leadline.programs.cli.scanning.fixing import fix_files
from leadline.programs.cli.scanning.requests import request_of, split_words

EPILOG = """
\b
  leadline fix deploy/ --dry-run
      the edits as a diff
  leadline fix framework nsa deploy/
      shows them, asks, and writes
  leadline fix control C-0057 app.yaml --yes
      writes without asking
  leadline fix deploy/ --format patch | git apply
  leadline fix . --since main --gate high
      what this branch brought, as far as the gate asks
  leadline fix . --since main --risky --format github
      a review of the pull request, with suggestions

Safe edits cannot stop what runs and are written; of the others each is asked for at a terminal, or all are made with
--risky. Every edit is tried on a copy first and judged again: what does not remove its finding, or changes anything else, is
not made. What takes a decision is listed as a question.

Exit codes: 0 the edits were made, 1 a gate fails all the same, 2 wrong usage, 3 nothing could be read or written, 4 a fault of leadline.
"""


@click.command(
    "fix", cls=ConfiguredCommand, targets=lambda flags: split_words(flags["words"])[2], epilog=EPILOG
)
@click.argument("words", metavar="[framework|control|workload NAME] PATH...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show the edits and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Write the safe edits without asking.")
@click.option(
    "-f",
    "--format",
    type=click.Choice(["diff", "patch", "github", "gitlab"]),
    default="diff",
    help="patch: for git apply. github, gitlab: suggestions to click, as the requests that make a review.",
)
@click.option(
    "--drafts",
    metavar="FOLDER",
    default="",
    help="Write what is missing there, to look over: NetworkPolicies, Secrets without values, waivers for the rest.",
)
@takes(
    *FIXING,
    verbose=Flag("Every question, and every edit that was not made."),
    severity_threshold=Flag(
        "Make the smallest edit that passes this gate; exit 1 where it still fails.",
        words="--gate --severity-threshold",
    ),
    risky=Flag("Make edits that may stop what runs as well; each is listed with its reason."),
    min_severity=Flag("Edit nothing for a finding below it."),
    baseline=Flag("Leave what that report or baseline knows as it is."),
    since=Flag("Leave what was there at that git revision as it is; its settings and waivers count."),
)
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Edits manifests, charts and kustomizations so that findings go away."""
    is_dry_run, is_agreed, format = flags.pop("dry_run"), flags.pop("yes"), flags.pop("format")
    drafts = flags.pop("drafts")
    request = request_of(words, flags)
    if not request.targets:
        raise UsageError("name a file or a folder to fix", hint="for example: leadline fix deploy/")
    if format in ("github", "gitlab") and not request.since:
        raise UsageError(
            f"--format {format} needs --since REVISION", hint="a comment can only be on a line of the change"
        )
    return fix_files(request, is_dry_run=is_dry_run, is_agreed=is_agreed, format=format, drafts=drafts)
