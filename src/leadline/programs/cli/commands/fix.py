"""``leadline fix``: edits manifests, charts and kustomizations so that findings go away."""

from typing import Any

import click

from leadline.errors import UsageError
from leadline.programs.cli.fixing import fix_files
from leadline.programs.cli.scan_request import request_of

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
_LIST = "A list, with commas or repeated."


@click.command("fix", epilog=EPILOG)
@click.argument("words", metavar="[framework|control|workload NAME] PATH...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show the edits and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Write without asking.")
@click.option(
    "-f", "--format", type=click.Choice(["diff", "patch"]), default="diff", help="patch: for git apply."
)
@click.option("-v", "--verbose", is_flag=True, help="Every question, and every edit that was not made.")
@click.option("-q", "--quiet", is_flag=True, help="Suppress everything on stderr except errors.")
@click.option(
    "-n",
    "--include-namespaces",
    "--namespace",
    "include_namespaces",
    multiple=True,
    metavar="NAMES",
    help=f"Fix only these. {_LIST}",
)
@click.option(
    "-e", "--exclude-namespaces", multiple=True, metavar="NAMES", help=f"Fix all but these. {_LIST}"
)
@click.option(
    "--exclude-path", multiple=True, metavar="PATTERN", help="Leave files out, as .gitignore writes it."
)
@click.option("--exclude-controls", multiple=True, metavar="IDS", help=f"Leave controls out. {_LIST}")
@click.option(
    "--controls-config", default="", metavar="FILE", help="Settings of controls: JSON, YAML or TOML."
)
@click.option(
    "--controls", multiple=True, metavar="FOLDER", help="Your own controls, Python files; they are run."
)
@click.option("--framework-file", multiple=True, metavar="FILE", help="Your own framework, TOML.")
@click.option(
    "--exceptions",
    "--waivers",
    "exceptions",
    multiple=True,
    metavar="FILE",
    help="Which findings are accepted and stay as they are: waivers, or exceptions as JSON.",
)
@click.option(
    "--no-waivers-from-target",
    is_flag=True,
    help="Pass over annotations, comments, SecurityExceptions and ignore files that come with the target.",
)
@click.option("--values", multiple=True, metavar="FILE", help="Values for Helm charts; later files win.")
@click.option("--set", multiple=True, metavar="KEY=VALUE", help="A value for Helm charts.")
@click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="A value that is text.")
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option("--debug", is_flag=True, help="Tracebacks and a log on stderr.")
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Edits manifests, charts and kustomizations so that findings go away."""
    is_dry_run, is_agreed, format = flags.pop("dry_run"), flags.pop("yes"), flags.pop("format")
    unused = {"format": (), "fail_on": (), "severity_threshold": "", "min_severity": "unknown"}
    request = request_of(words, {**unused, **flags})
    if not request.targets:
        raise UsageError("name a file or a folder to fix", hint="for example: leadline fix deploy/")
    return fix_files(request, is_dry_run=is_dry_run, is_agreed=is_agreed, as_patch=format == "patch")
