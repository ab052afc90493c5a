"""``leadline schema``: the JSON Schema of what leadline writes."""

import click

from leadline.errors import UsageError

_SCHEMAS = {"report": "report_schema.json"}


@click.command("schema", short_help="Prints the JSON Schema of the report.")
@click.argument("name", metavar="report")
def command(name: str) -> int:
    """Prints the JSON Schema of a format: report is what --format json writes."""
    from importlib import resources

    if name not in _SCHEMAS:
        raise UsageError(f"unknown schema {name}", hint=f"there are {', '.join(_SCHEMAS)}")
    click.echo((resources.files("leadline.outputs") / _SCHEMAS[name]).read_text("utf-8"), nl=False)
    return 0
