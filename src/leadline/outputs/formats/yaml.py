"""The JSON report as YAML, block by block, with keys in the order of the alphabet."""

import re
from io import StringIO
from typing import IO, Any

from msgspec import structs

from leadline.outputs.format import (
    MOST_DRAWN,
    Page,
    PostureReport,
    find_format,
    format,
    with_marks_escaped,
)

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
    written, dumped = StringIO(), StringIO()
    # All of it is in memory, several times as large as its text.
    page = structs.replace(page, most=min(page.most, MOST_DRAWN))
    find_format("json", PostureReport).write(report, written, page)
    dump(json.loads(written.getvalue()), dumped, Dumper=Dumper, allow_unicode=False, width=1 << 20)
    # A text with such a mark is within quotes.
    out.write(with_marks_escaped(dumped.getvalue(), r"\x23"))
