"""The official schema of SARIF 2.1.0, errata 01 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

import json
from pathlib import Path

from jsonschema import Draft4Validator

SARIF = Draft4Validator(
    json.loads((Path(__file__).parent / "formats" / "sarif-2.1.0.json").read_text("utf-8"))
)
