"""Which files of a package are code: what has to be run, not merely read, for the package to be loaded."""

from leadline.packages.late_pattern import late_pattern

SOURCES = (
    ".R", ".al", ".beam", ".cjs", ".class", ".dll", ".ear", ".egg", ".exe", ".inc", ".ix", ".jar", ".jmod", ".js", ".lua",
    ".mjs", ".module", ".node", ".phar", ".php", ".pl", ".pm", ".py", ".pyc", ".pyd", ".rb", ".rdb", ".rds", ".ru",
    ".scm", ".t", ".tcl", ".ts", ".war", ".wasm",
)  # fmt: skip
"""Endings of what interpreters load; of data in JSON, archives and Guile's ``.go`` nothing is known by the name alone."""
_LIBRARY = late_pattern(r"\.so(?:\.[\w.-]+)?$")
_PROGRAM_FOLDERS = late_pattern(r"(?:^|/)(?:s?bin|libexec|games)/[^/]+$")
_DATA = late_pattern(
    r"^(?:etc|boot|usr/(?:include|src)|usr/(?:local/)?share/(?:doc|man|info|locale|lintian|bug|licenses|icons|fonts|pixmaps|"
    r"zoneinfo|mime|applications|bash-completion|zsh|gdb|gcc|perl5/debian|keyrings|ca-certificates))/|\.dist-info/|\.egg-info/"
)
_CACHED = late_pattern(r"(?P<folder>.*/)__pycache__/(?P<name>[^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc")
_NOT_LOADED = ("setup.py", "conftest.py")


def is_code(path: str) -> bool:
    """Whether the file at ``path``, a package's own, can be executed, mapped to execute or run by an interpreter."""
    if _DATA.search(path) or "/__pycache__/" in path:
        return False
    name = path.rpartition("/")[2]
    if name.endswith(SOURCES):
        return name not in _NOT_LOADED
    return bool(_LIBRARY.search(name) or _PROGRAM_FOLDERS.search(path)) or (
        # Programs that others start: usr/lib/git-core/git-remote, usr/lib/apt/methods/http.
        "." not in name and path.startswith(("usr/lib/", "lib/", "usr/local/lib/", "opt/"))
    )


def source_of(path: str) -> str:
    """The file that packages list: of compiled Python the source, which need not be opened any more."""
    found = _CACHED.fullmatch(path)
    return f"{found['folder']}{found['name']}.py" if found else path
