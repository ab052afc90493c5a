"""Ruby gems that are installed: the ``.gemspec`` of each below a folder ``specifications``.

A specification is Ruby source that assigns literals
(https://guides.rubygems.org/specification-reference/); nothing is run.
"""

import re
from collections.abc import Iterator

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.licences.expressions import spdx_all

CHARACTERS = 1 << 20

_ASSIGNMENT = late_pattern(
    r"^[ \t]*+\w++\.(?P<key>name|version|licenses?|homepage|summary|authors?)\s*=\s*(?P<value>[^\n]{1,2000})",
    re.M,
)
_STRING = late_pattern(r"""(["'])((?:\\.|(?!\1)[^\\])*+)\1|%q\{([^}]*+)\}""")
_DEPENDENCY = late_pattern(
    r"add_(?:runtime_)?dependency\s*+\(?\s*+(?:%q<([\w.-]+)>|%q\{([\w.-]+)\}|[\"']([\w.-]+)[\"'])"
)

_FILES = late_pattern(r"^[ \t]*+\w++\.files\s*=\s*\[([^\]]{1,200000})\]", re.M)


@cataloguer("ruby", version=2, suffixes=(".gemspec",))
def ruby(specification: File) -> Packages:
    if f"/{specification.folder}/".find("/specifications/") < 0:
        return  # the source of a gem, which may compute its version
    text = specification.text[:CHARACTERS]
    found: dict[str, list[str]] = {}
    for assignment in _ASSIGNMENT.finditer(text):
        if assignment["key"] not in found:  # each is assigned once; looking for strings costs the most
            value = assignment["value"].replace(".freeze", "")
            strings = [(plain or braced).replace("\\", "") for _, plain, braced in _STRING.findall(value)]
            found[assignment["key"]] = strings
    name, version = "".join(found.get("name", ())[:1]), "".join(found.get("version", ())[:1])
    if not name or not version:
        raise Unreadable("assigns no literal name or version")
    depends = ("".join(names) for names in _DEPENDENCY.findall(text))
    yield Package(
        "gem",
        name,
        version,
        licenses=spdx_all(found.get("licenses", found.get("license", ()))),
        supplier=", ".join(found.get("authors", found.get("author", ()))),
        home="".join(found.get("homepage", ())[:1]),
        description="".join(found.get("summary", ())[:1]),
        depends=tuple(dict.fromkeys(depends)),
        files=tuple(_default_files(specification, text)),
    )


def _default_files(specification: File, text: str) -> Iterator[str]:
    """Of a gem that comes with Ruby: its files lie among those of the standard library."""
    root, is_default, _ = specification.path.rpartition("/specifications/default/")
    home, _, version = root.rpartition("/gems/")
    listed = _FILES.search(text) if is_default and home else None
    for _, plain, braced in _STRING.findall(listed[1]) if listed else ():
        path = plain or braced
        if path.startswith("lib/"):
            yield f"{home}/{version}/{path.removeprefix('lib/')}"
