"""``leadline scan`` as click knows it: help, errors, completion. ``main`` passes by when the words are plain."""

from typing import Any

import click

from leadline.programs.cli.scanning.flags import FLAGS
from leadline.programs.cli.words.options import with_flags

EPILOG = """
\b
  leadline scan deploy/                        every control
  leadline scan framework nsa,mitre deploy/    the controls of frameworks
  leadline scan control C-0057 app.yaml        some controls, by id or name
  leadline scan workload shop/Deployment/web deploy/
  leadline scan image nginx:1.27               what is in an image, and what helps an attacker
  helm template . | leadline scan -            standard input

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""


@click.command("scan", epilog=EPILOG, short_help="Judges manifests and says what to change.")
@click.argument("words", metavar="[framework|control|workload NAME] [PATH]...", nargs=-1)
@with_flags(FLAGS)
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Judges Kubernetes objects in files, folders, globs or standard input."""
    from leadline.programs.cli.scanning.request import request_of
    from leadline.programs.cli.scanning.run import run

    return run(request_of(words, flags))
