"""Erlang applications that are installed: the resource file ``ebin/NAME.app`` of each.

https://www.erlang.org/doc/apps/kernel/app.html
"""

from leadline.model.package import Package
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

CHARACTERS = 1 << 20

_NAME = late_pattern(r"\{\s*application\s*,\s*'?([\w@.]+)'?\s*,")
_VERSION = late_pattern(r'\{\s*vsn\s*,\s*"([^"\n]{1,200})"')
_DESCRIPTION = late_pattern(r'\{\s*description\s*,\s*"([^"\n]{1,1000})"')


@cataloguer("erlang", suffixes=(".app",))
def erlang(resource: File) -> Packages:
    if not f"/{resource.folder}".endswith("/ebin"):
        return
    text = resource.text[:CHARACTERS]
    name, version, description = (each.search(text) for each in (_NAME, _VERSION, _DESCRIPTION))
    if name and version:
        yield Package("otp", name[1], version[1], description=description[1] if description else "")
