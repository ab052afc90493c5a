"""The JSON report as YAML, block by block, with keys in the order of the alphabet."""

import re
from io import StringIO
from typing import IO, Any

from leadline.outputs.format import Page, PostureReport, find_format, format

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*\Z")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""What some reader of YAML takes for something else than text, whatever its case."""


@format("yaml", suffix=".yaml")
def yaml(report: PostureReport, out: IO[str], page: Page) -> None:
    import json

    from yaml import CSafeDumper, dump  # a large library, which no other format needs

    class Dumper(CSafeDumper):
        """Quotes every text that any version of YAML could read otherwise."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        is_plain = _SAFE.match(value) and value.lower() not in _WORDS
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="" if is_plain else '"')

    Dumper.add_representer(str, text)
    written = StringIO()
    find_format("json", PostureReport).write(report, written, page)
    dump(json.loads(written.getvalue()), out, Dumper=Dumper, allow_unicode=False, width=1 << 20)
