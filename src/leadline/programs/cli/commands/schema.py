"""``leadline schema``: the JSON Schemas of what leadline writes."""

from importlib import resources

import click

from leadline.errors import UsageError
from leadline.outputs.json_text import json_text
from leadline.outputs.report_document import schema

_DOCUMENT = "document"
_FILES = {"report": "report_schema.json"}


@click.command("schema")
@click.argument("name", metavar="[document|report]", default=_DOCUMENT)
def command(name: str) -> int:
    """Prints the JSON Schema of a stored report (document), or of what --format json writes (report)."""
    if name == _DOCUMENT:
        click.echo(json_text(schema()))
        return 0
    if name not in _FILES:
        raise UsageError(f"unknown schema {name}", hint=f"there are {_DOCUMENT}, {', '.join(_FILES)}")
    click.echo((resources.files("leadline.outputs") / _FILES[name]).read_text("utf-8"), nl=False)
    return 0
