"""Go modules linked into executables, from the build information that Go leaves in each.

Since Go 1.18 the texts follow the header, each behind its length; before, the header holds two pointers to
Go strings (https://github.com/golang/go/blob/master/src/debug/buildinfo/buildinfo.go). Stripping removes
neither.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.parsers.executable import Executable, executable_of
from leadline.sbom.parsers.go_functions import linked_packages
from leadline.sbom.parsers.go_module import DEVELOPMENT, module_package

SECTIONS = (".go.buildinfo", "__DATA,__go_buildinfo", "__DATA_CONST,__go_buildinfo")
MAGIC = b"\xff Go buildinf:"
HEADER_BYTES = 32
TEXT_BYTES = 16 << 20

_INLINE = 2
_SENTINEL_BYTES = 16
_SETTING = late_pattern(r"-X[ =]+(['\"]?)([^\s'\"=]+)=([^\s'\"]*)")
_LINKED_REST = late_pattern(rb"(\.\d{1,5}\.\d{1,8}(?:[-+][\w.+-]{1,60})?)\0")
_LINKED_MAJOR = late_pattern(rb"(?<![\w.+-])v?(\d{1,4})$")
_GOS_OWN_TEXT = b"1.0.0"
_ESCAPE = late_pattern(r"\\(.)", re.DOTALL)
_BLANKS = {"t": " ", "n": " ", "r": " "}
_SYSTEMS = {"elf": "linux", "pe": "windows", "macho": "darwin"}
"""Go says it itself since 1.18; the other systems that have ELF run no containers."""
_OF_STDLIB = late_pattern(r"(?!(?:go|main|type)$)[a-z][a-z0-9]*(?:/[A-Za-z0-9_.-]+)*")
"""Paths of all others have a dot in their first part."""
_VERSION = late_pattern(r"v?\d+\.\d+(?:\.\d+)?(?:[-+.][\w.+-]+)?")


class Module(Struct):
    """A line of the build information."""

    path: str
    version: str
    imported_as: str = ""
    """The path of the module that it replaces, where that is another."""


class BuildInformation(Struct):
    """What Go says of the build: its own version, the main module, the others, and the settings of the build."""

    go_version: str
    main: Module | None
    modules: list[Module]
    settings: dict[str, str]
    program: str = ""
    """Import path of the package that is started."""


@cataloguer("golang", executables=True, version=4)
def golang(binary: File) -> Packages:
    executable = executable_of(binary)
    if executable.format != "pe" and executable.sections and not executable.has_section(*SECTIONS):
        return
    texts = build_texts(executable)
    if texts is None:
        return
    build = build_information(*texts)
    linked = _Linked(executable, build)
    number = re.match(r"(?:go|devel go)?(\d+\.[\w.]+)", build.go_version)
    if number:
        version = number[1]
        cpe = f"cpe:2.3:a:golang:go:{version}:-:*:*:*:*:*:*"
        stdlib = Package("golang", "stdlib", version, licenses=("BSD-3-Clause",), cpes=(cpe,))
        yield replace(stdlib, linked=linked.of_stdlib, built_for=linked.built_for)
    if build.main and build.main.path:
        version = main_version(build)
        if version == DEVELOPMENT and "-ldflags" not in build.settings:
            version = _linked_version(executable)
        if version == DEVELOPMENT:
            version = _revision_version(build.settings)
        package = module_package(build.main.path, version, architecture=build.settings.get("GOARCH", ""))
        yield replace(package, linked=linked.of(build.main), built_for=linked.built_for)
    for module in build.modules:
        package = module_package(module.path, module.version)
        yield replace(package, linked=linked.of(module), built_for=linked.built_for)


class _Linked:
    """Which packages of each module have code in the program, and what it was built for."""

    def __init__(self, executable: Executable, build: BuildInformation) -> None:
        found = None if "-linkshared" in build.settings else linked_packages(executable)
        modules = [one for one in (build.main, *build.modules) if one is not None and one.path]
        paths = {one.imported_as or one.path for one in modules}
        system = build.settings.get("GOOS", "") or _SYSTEMS.get(executable.format, "")
        self.built_for = f"{system}/{build.settings.get('GOARCH', '')}"
        self.of_stdlib: tuple[str, ...] | None = None
        self._of: dict[str, list[str]] | None = None
        if found is None:
            return
        of: dict[str, list[str]] = {path: [] for path in paths}
        of_stdlib = []
        for package in sorted(found):
            path = package
            while path and path not in paths:
                path = path.rpartition("/")[0]
            if path:
                of[path].append(package)
            elif _OF_STDLIB.fullmatch(package):
                of_stdlib.append(package)
        with_code = sum(bool(of[one.imported_as or one.path]) for one in build.modules)
        if 2 * with_code < len(build.modules):
            return  # its names were made unreadable, but for Go's own
        self.of_stdlib = tuple(of_stdlib)
        self._of = of
        if build.main and build.program:
            # The package that is started is named ``main`` in every program.
            of.setdefault(build.main.path, []).append(build.program)

    def of(self, module: Module) -> tuple[str, ...] | None:
        """By the name under which advisories speak of the module: what replaces another is imported by the other's."""
        if self._of is None:
            return None
        found = self._of.get(module.imported_as or module.path, [])
        if not module.imported_as:
            return tuple(found)
        return tuple(module.path + one.removeprefix(module.imported_as) for one in found)


def build_texts(executable: Executable) -> tuple[str, str] | None:
    """Go's version and the module lines; ``None`` where the executable has no build information."""
    for area in _areas(executable):
        at = area.find(MAGIC)
        while at >= 0:
            version, lines = _header_texts(executable, area, at)
            if version.startswith((b"go", b"devel")):
                return version.decode("utf-8", "replace"), _module_lines(lines)
            at = area.find(MAGIC, at + len(MAGIC))
    return None


def _header_texts(executable: Executable, area: bytes, at: int) -> tuple[bytes, bytes]:
    """Go's version and the marked lines; empty where no header begins ``at`` but a text of the program."""
    header = area[at : at + HEADER_BYTES]
    if len(header) < HEADER_BYTES:
        return b"", b""
    if not header[15] & _INLINE:
        return _pointed(executable, header, 0), _pointed(executable, header, 1)
    version, end = _counted(area, at + HEADER_BYTES)
    lines, end = _counted(area, end) if version else (b"", 0)
    if end > len(area):
        raise Unreadable("the build information of Go is cut short")
    return version, lines


def _areas(executable: Executable) -> Iterator[bytes]:
    """Where the linker puts the header: its own section, or the beginning of what can be written to."""
    section = executable.section(*SECTIONS)
    if section:
        yield section
    yield from executable.writable()


def _counted(area: bytes, at: int) -> tuple[bytes, int]:
    """The text behind its length (seven bits a byte, lowest first), and where it ends."""
    length = shift = 0
    while at < len(area) and shift <= 56:
        length |= (area[at] & 127) << shift
        shift += 7
        at += 1
        if area[at - 1] < 128:
            break
    if length > min(TEXT_BYTES, len(area) - at):
        return b"", at + length
    return area[at : at + length], at + length


def _pointed(executable: Executable, header: bytes, slot: int) -> bytes:
    """The Go string whose own header (pointer, length) the build header points to."""
    width, order = header[14], "big" if header[15] & 1 else "little"
    if width not in (4, 8):
        return b""

    def number(content: bytes, at: int) -> int:
        return int.from_bytes(content[at : at + width], "big" if order == "big" else "little")

    string = executable.bytes_at(number(header, 16 + slot * width), 2 * width)
    if len(string) < 2 * width:
        return b""
    return executable.bytes_at(number(string, 0), min(number(string, width), TEXT_BYTES))


def _module_lines(lines: bytes) -> str:
    """Without the 16 marking bytes before and after; empty for a build without modules."""
    has_marks = len(lines) >= 2 * _SENTINEL_BYTES + 1 and lines[-_SENTINEL_BYTES - 1 :][:1] == b"\n"
    return lines[_SENTINEL_BYTES:-_SENTINEL_BYTES].decode("utf-8", "replace") if has_marks else ""


def build_information(go_version: str, lines: str) -> BuildInformation:
    """Takes the lines apart: ``mod``, ``dep`` and ``=>`` (replaces the one before) with tabs, ``build key=value``."""
    build = BuildInformation(go_version, None, [], {})
    last: Module | None = None
    for line in lines.split("\n"):
        kind, *columns = line.split("\t")
        match kind, columns:
            case (("mod" | "dep"), [path, *rest]) if path:
                last = Module(path, rest[0] if rest else "")
                if kind == "mod":
                    build.main = last
                else:
                    build.modules.append(last)
            case "=>", [path, *rest] if last:
                _replace(last, path, rest)
            case "path", [path, *_] if path and path != "command-line-arguments":
                build.program = path
                build.main = Module(path, "")  # stays so where modules were off
            case "build", [setting, *_]:
                key, _, value = setting.partition("=")
                build.settings[key] = _unquoted(value)
    return build


def _unquoted(value: str) -> str:
    """As Go reads a setting: what holds blanks of other kinds or quotes is written like a text in its source."""
    if len(value) > 1 and value[0] == value[-1] == "`":
        return value[1:-1]
    if len(value) < 2 or not value[0] == value[-1] == '"':
        return value
    return _ESCAPE.sub(lambda found: _BLANKS.get(found[1], found[1]), value[1:-1])


def _replace(module: Module, path: str, rest: Sequence[str]) -> None:
    """A module replaced by a folder keeps its name: what is in the folder has no other."""
    if path.startswith((".", "/")) or path[1:3] in (":\\", ":/"):
        module.version = DEVELOPMENT
        return
    if path != module.path:
        module.imported_as = module.path
    module.path, module.version = path, rest[0] if rest else ""


def main_version(build: BuildInformation) -> str:
    """The main module's version; where Go knew none, the one set by the linker's ``-X``, else ``(devel)``."""
    main = build.main
    if main is None or main.version not in ("", DEVELOPMENT):
        return main.version if main else ""
    best: tuple[int, str] = (0, "")
    for _, variable, value in _SETTING.findall(build.settings.get("-ldflags", "")):
        rank = _rank(variable, main.path)
        if rank > best[0] and _VERSION.fullmatch(value):
            best = (rank, value)
    version = best[1]
    return f"v{version}" if version[:1].isdigit() else version or DEVELOPMENT


def _linked_version(executable: Executable) -> str:
    """The only text in the read-only part that looks like a version and ends with a zero byte, longer forms of it aside.

    With ``-trimpath`` the settings of the linker are not recorded, but only what its ``-X`` wrote ends so.
    """
    texts = executable.section(".rodata", "__TEXT,__rodata", "__RODATA,__rodata", ".rdata")
    found: set[bytes] = set()
    for rest in _LINKED_REST.finditer(texts):  # from its first dot on: dots are rarer than digits
        major = _LINKED_MAJOR.search(texts[max(0, rest.start() - 6) : rest.start()])
        if major:
            found.add(major[1] + rest[1])
    found.discard(_GOS_OWN_TEXT)
    version = min(found, key=len, default=b"")
    is_clear = all(other == version or other.startswith((version + b"-", version + b"+")) for other in found)
    return "v" + version.decode("ascii") if version and is_clear else DEVELOPMENT


def _revision_version(settings: Mapping[str, str]) -> str:
    """The commit as Go writes it where there is no tag before it: ``v0.0.0-20240609211631-fc37c2fa9de2``.

    Go does so by itself since 1.24 (https://go.dev/ref/mod#pseudo-versions).
    """
    digits = re.sub(r"\D", "", settings.get("vcs.time", "")[:19])
    revision = settings.get("vcs.revision", "")[:12]
    if len(digits) != 14 or not re.fullmatch(r"[0-9a-f]{12}", revision):
        return DEVELOPMENT
    return f"v0.0.0-{digits}-{revision}" + ("+dirty" if settings.get("vcs.modified") == "true" else "")


def _rank(variable: str, module: str) -> int:
    """How likely the variable holds the version of the program; 0 for not at all."""
    package, _, name = variable.rpartition(".")
    name = name.lower()
    if "version" not in name and name not in ("tag", "release", "buildtag", "gittag"):
        return 0
    if any(other in name for other in ("goversion", "apiversion", "protocol", "minversion", "schema")):
        return 0
    exact = name in ("version", "buildversion", "appversion", "gitversion")
    home = 3 if package == "main" else 2 if (package + "/").startswith(module + "/") else 1
    return 2 * home + exact
