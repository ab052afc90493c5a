"""Licences as SPDX expressions (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/).

Every ecosystem has its own words for a licence: Fedora's ``ASL 2.0``, Debian's ``GPL-2+``, a free text in
a Python classifier. What can be said in SPDX is said in SPDX; everything else stays as it was written,
so that nothing is guessed and nothing is lost.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

from leadline.packages.late_pattern import late_pattern
from leadline.sbom.licences.names import ADDRESSES, EXCEPTIONS, NAMES

VERSION = 2
"""Raised with every change of what a licence is called, so that cached layers are read again."""
LONGEST = 1000
"""Characters. A longer text is a licence's own wording or worse, never the name of one."""
KEPT_TEXT = 64 << 10
"""Characters of a text whose licences are kept."""
DEEPEST = 20
"""Open brackets at once, far beyond any true expression."""

_TOKEN = late_pattern(
    r"(\(|\)|\s+and\s+|\s+and/or\s+|\s+or\s+|\s+with\s+|\s*\|+\s*|\s*&+\s*|\s*,\s*and\s+|\s*;\s*)",
    re.IGNORECASE,
)
_GNU = late_pattern(
    r"(?P<family>agpl|lgpl|gpl|gfdl|fdl)[\s,-]*(?:version[\s-]*|v[\s.]*)?(?P<major>[123])(?:\.(?P<minor>\d))?"
    r"(?:[\s-]*(?P<later>\+|or[\s-]+later|or[\s-]+newer)|[\s-]*(?:only))?",
    re.IGNORECASE,
)
_GNU_WORDS = late_pattern(
    r"(?:\bgnu[\s-]+)?\b(?P<kind>affero|lesser|library|library or lesser)?\s*"
    r"(?P<what>general public|free documentation)\s+licen[cs]e\b(?:\s*\((?:[al]?gpl|fdl|gfdl)\))?",
    re.IGNORECASE,
)
_FOLD = late_pattern(r"[\s_,-]+")
_NOISE = frozenset(("the", "license", "licence", "licenses", "version", "v", "v."))
_NUMBERED = late_pattern(r"^v\.?(?=\d)")
_IN_BRACKETS = late_pattern(r"(?P<long>[^()]+)\((?P<short>[^()]+)\)")
_ADDRESS = late_pattern(r"https?://(?:www\.)?(?P<rest>\S+)")
_FILE_ENDING = late_pattern(r"(?:\.html?|\.php|\.txt|\.json|/)+$")

_GNU_VERSIONS = {
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
}
_WEAK_AND = late_pattern(r"\s*,\s*and\s+|\s*;\s*", re.IGNORECASE)
_AND = late_pattern(r"\s+and\s+|\s*&+\s*", re.IGNORECASE)
_OR = late_pattern(r"\s(?:and/)?or\s|[|/]", re.IGNORECASE)
_SLASH = late_pattern(r"\s*/\s*")
_MASKED = late_pattern(r"\bown(\d+)own\b")
_OWN = late_pattern(r"LicenseRef-[A-Za-z0-9.-]+")
"""Names made for what SPDX does not list."""
_WORDS = {
    "and": "AND",
    "and/or": "OR",
    "or": "OR",
    "with": "WITH",
    "|": "OR",
    "||": "OR",
    "&": "AND",
    "&&": "AND",
    ";": "AND",
}

_PHRASES = (
    ("permission is hereby granted, free of charge, to any person obtaining a copy of this software", "MIT"),
    ("licensed under the apache license, version 2.0", "Apache-2.0"),
    ("subject to the terms of the mozilla public license, v. 2.0", "MPL-2.0"),
    (
        "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
        "ISC",
    ),
    (
        "permission to use, copy, modify, and distribute this software for any purpose with or without fee",
        "ISC",
    ),
    (
        "permission to use, copy, modify, distribute, and sell this software and its documentation for any purpose",
        "HPND-sell-variant",
    ),
    ("alter it and redistribute it freely, subject to the following restrictions", "Zlib"),
    ("redistribute it freely, subject to the above disclaimer and the following restrictions", "Info-ZIP"),
    ("python software foundation license version 2", "PSF-2.0"),
    ("apache license version 2.0, january 2004", "Apache-2.0"),
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    (
        "hereby grant permission to use, copy, modify, distribute, and license this software and its documentation",
        "TCL",
    ),
    ("boost software license - version 1.0", "BSL-1.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("common development and distribution license (cddl) version 1.0", "CDDL-1.0"),
    ("common development and distribution license (cddl) version 1.1", "CDDL-1.1"),
    ("eclipse public license - v 1.0", "EPL-1.0"),
    ("eclipse public license - v 2.0", "EPL-2.0"),
    ("mozilla public license version 2.0 ====", "MPL-2.0"),
    ("mozilla public license, version 2.0 1. definitions", "MPL-2.0"),
    ("this is free and unencumbered software released into the public domain", "Unlicense"),
)
"""Words, in lower case with single blanks, that are in the text of one licence alone."""
_MARGIN = late_pattern(r"^[ \t]*(?:[*#;|>]+|//+|/\*+|dnl\b)", re.MULTILINE)
"""What a comment puts before its lines."""
_GNU_NOTICE = late_pattern(
    r"gnu (?:(?P<kind>affero|lesser|library) )?(?P<what>general public) license(?: \(\w+\))?,? "
    r"(?:as published by the free software foundation[;,]? )?(?:either )?version (?P<version>\d(?:\.\d)?)"
    r"(?: of the license)?,? \(?or,? \(?at your option\)?,? any later version"
)
_BSD = "redistribution and use in source and binary forms, with or without modification"
_BSD_KINDS = (
    ("advertising materials mentioning features", "BSD-4-Clause"),
    ("used to endorse or promote products", "BSD-3-Clause"),
    ("", "BSD-2-Clause"),
)


def licences_in(text: str) -> tuple[str, ...]:
    """SPDX ids of the licences whose own wording is in ``text``, in a fixed order; empty where none is known."""
    return _kept_licences_in(text) if len(text) <= KEPT_TEXT else _licences_in(text)


@lru_cache(maxsize=16)
def _kept_licences_in(text: str) -> tuple[str, ...]:
    """Many packages bring the same text."""
    return _licences_in(text)


def _licences_in(text: str) -> tuple[str, ...]:
    folded = " ".join(_MARGIN.sub(" ", text.lower()).split())
    found = [name for phrase, name in _PHRASES if phrase in folded]
    found += [f"{_gnu_short(match)}-{match['version']}-or-later" for match in _GNU_NOTICE.finditer(folded)]
    if _BSD in folded:
        found.append(next(name for phrase, name in _BSD_KINDS if phrase in folded))
    return tuple(dict.fromkeys(spdx(name) for name in found if is_spdx(name)))


def spdx_all(written: Iterable[str]) -> tuple[str, ...]:
    """Each of ``written`` as an SPDX expression or as it is, in order, once, blank ones left out."""
    return tuple(dict.fromkeys(filter(None, (one for text in written for one in _parts(text)))))


def any_of(written: Iterable[str]) -> tuple[str, ...]:
    """``written`` of which a user may choose one, as one expression; none where nothing is written."""
    texts = tuple(dict.fromkeys(filter(None, (" ".join(text.split()) for text in written))))
    said = tuple(dict.fromkeys(map(_said, texts)))
    if len(texts) < 2 or not all(said):
        return (spdx(" OR ".join(texts)),) if texts else ()
    return (" OR ".join(f"({one})" if " AND " in one else one for one in said),)


def is_spdx(written: str) -> bool:
    """Whether SPDX can say all of it."""
    return bool(_said(" ".join(written[:LONGEST].split())))


def clearest(written: Iterable[str]) -> str:
    """The first of several words for one licence that SPDX can say, else the first; empty where there is none."""
    texts = [text for text in written if text.strip()]
    return next((text for text in texts if is_spdx(text)), texts[0] if texts else "")


def spdx(written: str) -> str:
    """``written`` as an SPDX expression where all of it can be said in one, else as it is with blanks folded."""
    if len(written) > LONGEST:
        return " AND ".join(licences_in(written)) or " ".join(written[:LONGEST].split()) + " …"
    folded = " ".join(written.split())
    return _said(folded) or folded


def _parts(written: str) -> tuple[str, ...]:
    """As ``spdx``; licences that all apply one by one where only some of them can be said."""
    whole = spdx(written)
    if len(written) > LONGEST or is_spdx(whole) or "(" in whole:
        return (whole,)
    # A comma before the word binds weaker than any other word.
    parts = _WEAK_AND.split(whole)
    if len(parts) == 1 and not _OR.search(whole):
        parts = _AND.split(whole)
    if len(parts) == 1 or not all(parts) or not any(map(_some_is_spdx, parts)):
        return (whole,)
    return tuple(one for part in parts for one in _parts(part))


def _some_is_spdx(written: str) -> bool:
    return is_spdx(written) or any(map(is_spdx, _parts(written)))


@lru_cache(maxsize=8192)
def _said(written: str) -> str:
    """``written`` as an SPDX expression; empty where SPDX cannot say all of it."""
    if not written or written.count("(") > DEEPEST:
        return ""
    address = _ADDRESS.fullmatch(written)
    if address:
        return _published_at(_FILE_ENDING.sub("", address["rest"].lower()))
    plain = _GNU_WORDS.sub(_gnu_short, written.strip("\"'"))
    return _named(plain) or _expression(plain) or _bracketed(plain) or _divided(plain)


def _named(name: str) -> str:
    return _gnu(name) or NAMES.get(_folded(name), "")


def _expression(written: str) -> str:
    parts, after_with = [], False
    for word in filter(None, map(str.strip, _TOKEN.split(written))):
        operator = _WORDS.get(word.lower().removeprefix(",").strip(), "")
        if operator or word in "()":
            parts.append(operator or word)
        else:
            name = EXCEPTIONS.get(_folded(word)) if after_with else _named(word)
            name = name or next((one for one in (word, _folded(word)) if _is_known(one)), "")
            if not name:
                return ""
            parts.append(name)
        after_with = operator == "WITH"
    if not _is_well_formed(parts):
        return ""
    return _flat(parts) or _validated(" ".join(parts))


def _bracketed(written: str) -> str:
    """``GNU General Public License v3 or later (GPLv3+)`` says itself how it is to be read."""
    match = _IN_BRACKETS.fullmatch(written)
    return (_named(match["short"]) or _expression(match["short"])) if match else ""


def _divided(written: str) -> str:
    """``MIT/Apache-2.0``, as Cargo wrote choices."""
    names = [_named(name) or _expression(name) for name in _SLASH.split(written)]
    return " OR ".join(names) if len(names) > 1 and all(names) and "(" not in written else ""


def _published_at(address: str) -> str:
    for pattern, name in ADDRESSES:
        if match := pattern.fullmatch(address):
            if "name" not in match.groupdict():
                return name
            own = match["name"].replace("/", "-")
            return _expression(name.replace("*", own) if name else own) or NAMES.get(_folded(own), "")
    return ""


def _gnu_short(match: re.Match[str]) -> str:
    if match["what"].lower().startswith("free"):
        return "GFDL"
    kind = (match["kind"] or "").lower()
    return {"affero": "AGPL", "": "GPL"}.get(kind, "LGPL")


def _gnu(name: str) -> str:
    """``GPLv2+`` as ``GPL-2.0-or-later``; empty for a name of another family or without a version."""
    match = _GNU.fullmatch(
        name.strip(" ,").removeprefix("The ").removeprefix("GNU ").removesuffix(" License")
    )
    if match is None:
        return ""
    family = "GFDL" if match["family"].lower() == "fdl" else match["family"].upper()
    version = f"{match['major']}.{match['minor'] or '0'}"
    if version not in _GNU_VERSIONS[family]:
        return ""
    return f"{family}-{version}-{'or-later' if match['later'] else 'only'}"


def _folded(name: str) -> str:
    words = (_NUMBERED.sub("", word) for word in _FOLD.sub("-", name.strip().lower()).split("-"))
    return (
        "-".join(word for word in words if word not in _NOISE).removeprefix("gnu-").removesuffix("-software")
    )


def _is_well_formed(parts: list[str]) -> bool:
    """Whether names and operators take turns and brackets close. The library fails oddly where they do not."""
    depth = 0
    is_name_next = True
    for part in parts:
        begins = part == "(" or not (part == ")" or part in _WORDS.values())
        if begins != is_name_next:
            return False
        depth += (part == "(") - (part == ")")
        is_name_next = part == "(" or part in _WORDS.values()
        if depth < 0:
            return False
    return not is_name_next and depth == 0


def _flat(parts: list[str]) -> str:
    """Names with one operator between them, as nearly all expressions are, in SPDX's own spelling; empty for all others."""
    inner = parts[1:-1] if parts[0] == "(" and parts[-1] == ")" else parts
    operators = set(inner[1::2])
    names = ["" if _OWN.fullmatch(name) else _known().get(name.lower(), "") for name in inner[::2]]
    if not all(names) or not (operators <= {"AND"} or operators <= {"OR"}):
        return ""
    return f" {''.join(operators)} ".join(names)


def _validated(expression: str) -> str:
    """``expression`` in SPDX's own spelling; empty where, say, an exception is in a licence's place."""
    # Slow to import; most images have names that are answered without it.
    from boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError  # type: ignore[import-untyped]

    # The library knows some of these names by others of its own.
    own = list(dict.fromkeys(_OWN.findall(expression)))
    masked = _OWN.sub(lambda match: f"own{own.index(match[0])}own", expression)
    try:
        parsed = _licensing().parse(masked, validate=not own, strict=True)
        unknown = {str(key) for key in _licensing().unknown_license_keys(parsed)} if own else set()
    except (ParseError, ExpressionError):
        return ""
    if not unknown <= {f"own{number}own" for number in range(len(own))}:
        return ""
    return _MASKED.sub(lambda match: own[int(match[1])], str(parsed.render()))


def _is_known(name: str) -> bool:
    folded = name.lower()
    if folded.startswith("licenseref-"):
        return bool(_OWN.fullmatch(name)) or any(
            folded in map(str.lower, (symbol.key, *symbol.aliases))
            for symbol in _licensing().known_symbols.values()
        )
    return folded in _known()


@cache
def _known() -> Mapping[str, str]:
    """From ids of licences and exceptions, old ones too, in lower case, to those of today; empty for exceptions.

    Most names are turned down here, cheaply: the file has what the library knows, which takes ten times as long to load. First come
    licences, then exceptions, each with its old names after it.
    """
    text = Path(__file__).with_name("known_names.txt").read_text("utf-8")
    licences, _, exceptions = text.partition("\n\n")
    found = dict.fromkeys(exceptions.lower().split(), "")
    for line in licences.splitlines():
        today, *before = line.split("\t")
        found[today.lower()] = today
        for name in before:
            found[name.lower()] = today
    return found


@cache
def _licensing():  # type: ignore[no-untyped-def]  # the library has no types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
