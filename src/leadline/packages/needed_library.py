"""How a package asks for a shared library rather than for another package."""

import re

NEEDED_LIBRARY = re.compile(r"(?P<library>[^()\s/]+\.so[^()\s/]*)\(")
"""How RPM does: ``libc.so.6(GLIBC_2.34)(64bit)``."""
