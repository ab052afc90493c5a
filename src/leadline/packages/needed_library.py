"""How a package asks for a shared library rather than for another package."""

from leadline.packages.late_pattern import late_pattern

NEEDED_LIBRARY = late_pattern(r"(?P<library>[^()\s/]+\.so[^()\s/]*)\(")
"""How RPM does: ``libc.so.6(GLIBC_2.34)(64bit)``."""
