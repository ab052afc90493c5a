"""The JSON Schemas of what is written and read, by name."""

from importlib import resources

from leadline.outputs.documents.report_document import schema as document_schema
from leadline.outputs.text.json_text import json_text
from leadline.sources.waivers.schema import schema as waivers_schema

SCHEMAS = ("document", "report", "waivers")


def schema_text(name: str) -> str:
    """Of a stored report (``document``), of what the format json writes (``report``), or of ``waivers``."""
    match name:
        case "document":
            return json_text(document_schema()) + "\n"
        case "waivers":
            return json_text(waivers_schema()) + "\n"
        case _:
            return (resources.files("leadline.outputs") / "report_schema.json").read_text("utf-8")
