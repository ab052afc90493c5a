"""``leadline scan``: reads, judges, writes."""

from typing import Any

import click

_LIST = "A list, with commas or repeated."

EPILOG = """
\b
  leadline scan deploy/                        every control
  leadline scan framework nsa,mitre deploy/    the controls of frameworks
  leadline scan control C-0057 app.yaml        some controls, by id or name
  leadline scan workload shop/Deployment/web deploy/
  helm template . | leadline scan -            standard input

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""


@click.command("scan", epilog=EPILOG, short_help="Judges manifests and says what to change.")
@click.argument("words", metavar="[framework|control|workload NAME] [PATH]...", nargs=-1)
@click.option("-f", "--format", multiple=True, metavar="NAME", help=f"pretty, lines, json, sarif … {_LIST}")
@click.option(
    "-o", "--output", default="", metavar="FILE", help="Write there; several formats add their suffixes."
)
@click.option("-v", "--verbose", is_flag=True, help="Every finding with its lines and its cure.")
@click.option("-q", "--quiet", is_flag=True, help="No remarks on stderr but errors.")
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Exit 1 on a finding at or above it."
)
@click.option("--compliance-threshold", type=float, metavar="PER_CENT", help="Exit 1 on a score below it.")
@click.option("--fail-on", multiple=True, metavar="unread", help="Exit 1 when something could not be read.")
@click.option(
    "--min-severity", default="unknown", metavar="SEVERITY", help="Show nothing below it; gates see all."
)
@click.option("--include-namespaces", multiple=True, metavar="NAMES", help=f"Judge only these. {_LIST}")
@click.option(
    "-e", "--exclude-namespaces", multiple=True, metavar="NAMES", help=f"Judge all but these. {_LIST}"
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
@click.option("--kube-context", default="", metavar="NAME", help="The context of the kubeconfig.")
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option("--debug", is_flag=True, help="Tracebacks and a log on stderr.")
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Judges Kubernetes objects in files, folders, globs or standard input."""
    from leadline.programs.cli.scanning.request import request_of
    from leadline.programs.cli.scanning.run import run

    return run(request_of(words, flags))
