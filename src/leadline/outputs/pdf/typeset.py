"""Makes a PDF of a report's data.

The template is a file of this package and the only source that typst reads. All that was scanned is JSON in one input of
it: texts stay texts there, whatever they look like. The template imports nothing, so that no package is looked for; where
packages would lie, typst is given folders that do not exist.
"""

import json
from datetime import datetime
from importlib.resources import files

from leadline.errors import UsageError

_NOWHERE = "/nonexistent"
_HINT = "install leadline[report]"


def pdf_of(text: str, template: str = "report.typ") -> bytes:
    """The PDF of ``text``, the JSON that the format ``pdf`` writes, or what another ``template`` takes; ``at`` is in it.

    Raises: ``UsageError`` where typst is not installed.
    """
    try:
        import typst  # an extra, and 80 MB
    except ImportError as error:
        raise UsageError("a PDF needs typst", hint=_HINT) from error
    moment = datetime.fromisoformat(json.loads(text)["at"])
    compiler = typst.Compiler(
        (files(__package__) / template).read_bytes(),
        ignore_system_fonts=False,
        sys_inputs={"report": text},
        package_path=_NOWHERE,
        package_cache_path=_NOWHERE,
    )
    made = compiler.compile(format="pdf", timestamp=moment)
    if not isinstance(made, bytes):
        raise TypeError("typst made no single PDF")
    return made
