"""Which files a container runs, not merely reads: so that a backup or ``cat`` loads nothing.

A program is run by being executed or mapped to execute; a source file by being opened by the interpreter of its language.
"""

import re

_RUNTIMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:lib)?(?:python|pypy)[\d.]*(?:-c)?[dmt]?|uwsgi(?:-core)?", (".py", ".pyc", ".pyd", ".egg", ".zip")),
    (r"(?:lib)?(?:node|nodejs|bun|deno|electron)", (".js", ".mjs", ".cjs", ".json", ".node", ".ts", ".wasm")),
    (r"(?:lib)?(?:j?ruby|truffleruby)[\d.-]*", (".rb", ".ru")),
    (r"(?:lib)?php(?:-(?:fpm|cgi|cli))?[\d.]*(?:-(?:fpm|cgi|cli))?|frankenphp", (".php", ".phar", ".inc", ".module")),
    (r"(?:lib)?perl[\d.]*", (".pm", ".pl", ".al", ".ix", ".t")),
    (r"(?:lib)?(?:java|jvm|jli|jruby)", (".jar", ".war", ".ear", ".class", ".zip", ".jmod")),
    (r"(?:lib)?(?:dotnet|mono|coreclr|hostfxr)[\d.]*(?:-sgen)?", (".dll", ".exe")),
    (r"(?:lib)?lua(?:jit)?[\d.-]*", (".lua",)),
    (r"R|Rscript|libR", (".rdb", ".rds", ".R")),
    (r"erl|beam\.smp|erlexec", (".beam",)),
    (r"guile[\d.]*|tclsh[\d.]*|libtcl[\d.]*", (".scm", ".go", ".tcl")),
)  # fmt: skip
"""What interpreters, and the libraries by which other programs embed them, are called; what each of them loads."""
_NAMES = tuple((re.compile(names), suffixes) for names, suffixes in _RUNTIMES)
_LIBRARY = re.compile(r"(?P<name>lib[\w.+-]+?)(?:[.-]?\d[\d.]*)?\.so(?:\.[\d.]+)?")
_DATA = ("package.json", "package-lock.json")
"""Node.js reads the first of every folder on the way, to know how it is to be read."""


def suffixes_of(program: str) -> tuple[str, ...]:
    """What the program at this path loads besides libraries; empty unless it is an interpreter."""
    return _suffixes(program.rpartition("/")[2])


def suffixes_by(library: str) -> tuple[str, ...]:
    """What a program that maps this library loads; empty for one that embeds no interpreter."""
    found = _LIBRARY.fullmatch(library.rpartition("/")[2])
    return _suffixes(found["name"]) if found else ()


def is_source(path: str, suffixes: tuple[str, ...]) -> bool:
    """Whether an interpreter that loads ``suffixes`` opened ``path`` to run it."""
    return path.endswith(suffixes) and path.rpartition("/")[2] not in _DATA


def _suffixes(name: str) -> tuple[str, ...]:
    return next((suffixes for names, suffixes in _NAMES if names.fullmatch(name)), ())
