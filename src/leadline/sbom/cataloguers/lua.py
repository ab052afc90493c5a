"""Lua packages that LuaRocks installed: ``*.rockspec``, Lua source that assigns literals; nothing is run.

https://github.com/luarocks/luarocks/blob/main/docs/rockspec_format.md
"""

import re

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.licences.expressions import spdx_all

CHARACTERS = 1 << 20

_FIELD = late_pattern(
    r"^[ \t]*+(package|version|license|homepage|summary)\s*+=\s*+(?:\"([^\"\n]*+)\"|'([^'\n]*+)'|\[\[([^\]]*+)\]\])",
    re.M,
)
_DEPENDENCIES = late_pattern(r"^dependencies\s*+=\s*+\{([^}]*+)\}", re.M)
_NAME = late_pattern(r"[\"']\s*([\w.-]++)")


@cataloguer("lua", suffixes=(".rockspec",))
def lua(specification: File) -> Packages:
    text = specification.text[:CHARACTERS]
    found: dict[str, str] = {}
    for key, *values in _FIELD.findall(text):
        found.setdefault(key, "".join(values).strip())
    if not found.get("package") or not found.get("version"):
        raise Unreadable("assigns no literal package or version")
    needs = _DEPENDENCIES.search(text)
    names = _NAME.findall(needs[1]) if needs else ()
    yield Package(
        "luarocks",
        found["package"],
        found["version"],
        licenses=spdx_all((found.get("license", ""),)),
        home=found.get("homepage", ""),
        description=found.get("summary", ""),
        depends=tuple(name for name in names if name != "lua"),
    )
