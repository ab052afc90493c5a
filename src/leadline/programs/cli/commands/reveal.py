"""``leadline reveal``: a redacted report with its names back."""

import sys

import click

from leadline.errors import UsageError
from leadline.outputs.pseudonyms.key_file import read_names
from leadline.outputs.pseudonyms.reveal import revealed
from leadline.programs.cli.output.leaving import read_whole

_MOST_BYTES = 512 << 20
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
    known = read_names(names, may_be_new=False)
    content = read_whole(file, _MOST_BYTES)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise UsageError(
            f"{file} is not text", hint="a PDF cannot be turned back: reveal the report in another format"
        ) from None
    sys.stdout.write(revealed(text, known))
    sys.stdout.flush()
    return 0
