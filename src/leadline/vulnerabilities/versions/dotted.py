"""Lists of numbers, the longer later: R (``1.2-3``) and Haskell (``0.11.3.0``).

https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html and https://pvp.haskell.org.
"""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering

_VERSION = late_pattern(r"[0-9]+(?:[.-][0-9]+)*")


@ordering("dotted")
def dotted(version: str) -> bytes:
    if not _VERSION.fullmatch(version):
        raise Unorderable(version)
    return b"".join(b"\1" + number(digits) for digits in re.split("[.-]", version)) + b"\0"
