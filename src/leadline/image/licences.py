"""Licences as SPDX expressions (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/).

Every ecosystem has its own words for a licence: Fedora's ``ASL 2.0``, Debian's ``GPL-2+``, a free text in
a Python classifier. What can be said in SPDX is said in SPDX; everything else stays as it was written,
so that nothing is guessed and nothing is lost.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 1000
"""Characters. A longer text is a licence's own wording or worse, never the name of one."""
DEEPEST = 20
"""Open brackets at once, far beyond any true expression."""

_TOKEN = re.compile(
    r"(\(|\)|\s+and\s+|\s+and/or\s+|\s+or\s+|\s+with\s+|\s*\|+\s*|\s*&+\s*|\s*,\s*and\s+|\s*;\s*)",
    re.IGNORECASE,
)
_GNU = re.compile(
    r"(?P<family>agpl|lgpl|gpl|gfdl|fdl)[\s-]*(?:version[\s-]*|v[\s.]*)?(?P<major>[123])(?:\.(?P<minor>\d))?"
    r"(?:[\s-]*(?P<later>\+|or[\s-]+later|or[\s-]+newer)|[\s-]*(?:only))?",
    re.IGNORECASE,
)
_FOLD = re.compile(r"[\s_,-]+")
_NOISE = re.compile(
    r"^(?:the|gnu)-|-(?:software-)?licen[cs]e$|(?<=-)licen[cs]e-|(?<=-)version-|(?<=-)v(?=\d)"
)

_GNU_VERSIONS = {
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
}
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

_NAMES = {
    "afl-2.1": "AFL-2.1",
    "apache-1.1": "Apache-1.1",
    "apache-2": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0",
    "artistic-2": "Artistic-2.0",
    "artistic-2.0": "Artistic-2.0",
    "asl-1.1": "Apache-1.1",
    "asl-2.0": "Apache-2.0",
    "blueoak-1.0.0": "BlueOak-1.0.0",
    "boost": "BSL-1.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-2clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-3clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "bsl-1": "BSL-1.0",
    "bzip2-1.0.6": "bzip2-1.0.6",
    "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "curl": "curl",
    "epl-1.0": "EPL-1.0",
    "epl-2.0": "EPL-2.0",
    "expat": "MIT",
    "ftl": "FTL",
    "gpl+": "GPL-1.0-or-later",
    "hpnd": "HPND",
    "isc": "ISC",
    "lgpl+": "LGPL-2.0-or-later",
    "libpng": "Libpng",
    "mit": "MIT",
    "mit/x11": "MIT",
    "modified-bsd": "BSD-3-Clause",
    "mpl-1.1": "MPL-1.1",
    "mpl-2": "MPL-2.0",
    "mpl-2.0": "MPL-2.0",
    "mplv1.1": "MPL-1.1",
    "mplv2.0": "MPL-2.0",
    "mozilla-public-2.0": "MPL-2.0",
    "mozilla-public-2.0-(mpl-2.0)": "MPL-2.0",
    "new-bsd": "BSD-3-Clause",
    "ofl": "OFL-1.1",
    "ofl-1.1": "OFL-1.1",
    "openldap": "OLDAP-2.8",
    "openldap-2.8": "OLDAP-2.8",
    "openssl": "OpenSSL",
    "postgresql": "PostgreSQL",
    "psf": "PSF-2.0",
    "psf-2": "PSF-2.0",
    "psf-2.0": "PSF-2.0",
    "python": "Python-2.0",
    "python-2.0": "Python-2.0",
    "ruby": "Ruby",
    "simplified-bsd": "BSD-2-Clause",
    "sleepycat": "Sleepycat",
    "unicode-dfs-2016": "Unicode-DFS-2016",
    "unlicense": "Unlicense",
    "vim": "Vim",
    "w3c": "W3C",
    "wtfpl": "WTFPL",
    "wtfpl-2": "WTFPL",
    "x11": "X11",
    "zlib": "Zlib",
    "zlib/libpng": "Zlib",
    "zpl-2.1": "ZPL-2.1",
    "zplv2.1": "ZPL-2.1",
}
"""Common names, folded, that differ from the SPDX id by more than case (and the commonest ids, to answer at once)."""

_EXCEPTIONS = {
    "autoconf-exception": "Autoconf-exception-2.0",
    "bison-exception": "Bison-exception-2.2",
    "classpath-exception": "Classpath-exception-2.0",
    "font-exception": "Font-exception-2.0",
    "gcc-exception": "GCC-exception-3.1",
    "gcc-runtime-library-exception": "GCC-exception-3.1",
    "libtool-exception": "Libtool-exception",
    "linux-syscall-note": "Linux-syscall-note",
    "linux-syscall-note-exception": "Linux-syscall-note",
    "llvm-exception": "LLVM-exception",
    "llvm-exceptions": "LLVM-exception",
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
)
"""Words, in lower case with single blanks, that stand in the text of one licence alone."""
_BSD = "redistribution and use in source and binary forms, with or without modification"
_BSD_KINDS = (
    ("advertising materials mentioning features", "BSD-4-Clause"),
    ("used to endorse or promote products", "BSD-3-Clause"),
    ("", "BSD-2-Clause"),
)


def licences_in(text: str) -> tuple[str, ...]:
    """SPDX ids of the licences whose own wording stands in ``text``, in a fixed order; empty where none is known."""
    folded = " ".join(text.lower().split())
    found = [name for phrase, name in _PHRASES if phrase in folded]
    if _BSD in folded:
        found.append(next(name for phrase, name in _BSD_KINDS if phrase in folded))
    return tuple(dict.fromkeys(found))


def spdx_all(written: Iterable[str]) -> tuple[str, ...]:
    """Each of ``written`` as an SPDX expression or as it is, in order, once, blank ones left out."""
    return tuple(dict.fromkeys(filter(None, map(spdx, written))))


def spdx(written: str) -> str:
    """``written`` as an SPDX expression where all of it can be said in one, else as it is with blanks folded."""
    if len(written) > LONGEST:
        return " ".join(written[:LONGEST].split()) + " …"
    return _expression(" ".join(written.split()))


@lru_cache(maxsize=8192)
def _expression(written: str) -> str:
    if not written or written.count("(") > DEEPEST:
        return written
    simple = _gnu(written) or _NAMES.get(_folded(written))
    if simple:
        return simple
    parts, after_with = [], False
    for word in filter(None, map(str.strip, _TOKEN.split(written))):
        operator = _WORDS.get(word.lower().removeprefix(",").strip(), "")
        if operator or word in "()":
            parts.append(operator or word)
        else:
            name = _EXCEPTIONS.get(_folded(word)) if after_with else _gnu(word) or _NAMES.get(_folded(word))
            if not name and word.lower() not in _known():
                return written
            parts.append(name or word)
        after_with = operator == "WITH"
    return (_validated(" ".join(parts)) if _is_well_formed(parts) else "") or written


def _gnu(name: str) -> str:
    """``GPLv2+`` as ``GPL-2.0-or-later``; empty for a name of another family or without a version."""
    match = _GNU.fullmatch(name.removeprefix("GNU ").removesuffix(" License"))
    if match is None:
        return ""
    family = "GFDL" if match["family"].lower() == "fdl" else match["family"].upper()
    version = f"{match['major']}.{match['minor'] or '0'}"
    if version not in _GNU_VERSIONS[family]:
        return ""
    return f"{family}-{version}-{'or-later' if match['later'] else 'only'}"


def _folded(name: str) -> str:
    folded = _FOLD.sub("-", name.strip().lower())
    return _NOISE.sub("", _NOISE.sub("", folded))


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


def _validated(expression: str) -> str:
    """``expression`` in SPDX's own spelling; empty where, say, an exception stands in a licence's place."""
    # Slow to import; most images have names that are answered without it.
    from boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError  # type: ignore[import-untyped]

    try:
        return str(_licensing().parse(expression, validate=True, strict=True).render())
    except (ParseError, ExpressionError):
        return ""


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Ids of licences and exceptions, old ones too, in lower case: most names are turned down here, cheaply."""
    symbols = _licensing().known_symbols.values()
    return frozenset(name.lower() for symbol in symbols for name in (symbol.key, *symbol.aliases))


@lru_cache(maxsize=1)
def _licensing():  # type: ignore[no-untyped-def]  # the library has no types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
