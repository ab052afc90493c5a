"""``leadline schema``: the JSON Schemas of what leadline writes."""

import click

from leadline.errors import UsageError

_DOCUMENT = "document"
_FILES = {"report": "report_schema.json"}


@click.command("schema", short_help="Prints the JSON Schema of a report.")
@click.argument("name", metavar="[document|report]", default=_DOCUMENT)
def command(name: str) -> int:
    """Prints the JSON Schema of a stored report (document), or of what --format json writes (report)."""
    from importlib import resources

    if name == _DOCUMENT:
        from leadline.outputs.json_text import json_text
        from leadline.outputs.report_document import schema

        click.echo(json_text(schema()))
        return 0
    if name not in _FILES:
        raise UsageError(f"unknown schema {name}", hint=f"there are {_DOCUMENT}, {', '.join(_FILES)}")
    click.echo((resources.files("leadline.outputs") / _FILES[name]).read_text("utf-8"), nl=False)
    return 0
