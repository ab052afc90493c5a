"""``leadline reveal``: a redacted report with its names back."""

import sys

import click

from leadline.scans.leaving import revealed_file

EPILOG = """
\b
  leadline scan deploy/ --redact names.json -o report.html
      names.json stays with you: it turns every pseudonym back
  leadline reveal names.json report.html > ours.html
  leadline reveal names.json < answer.txt
      what others write about the report
"""


@click.command("reveal", epilog=EPILOG)
@click.argument("names")
@click.argument("file", default="-")
def command(names: str, file: str) -> int:
    """Writes FILE with the text for each pseudonym in it; NAMES is the file that --redact wrote."""
    sys.stdout.write(revealed_file(file, names))
    sys.stdout.flush()
    return 0
