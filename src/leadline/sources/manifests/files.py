"""Which files a scan of folders, files and globs reads, in sorted order.

A folder is walked with everything below it but folders that tools fill (``.git``, ``.terraform``, ``.venv``,
``node_modules`` …) and what the ignore rules name. Links are followed only while they stay inside.
"""

import os
import stat
from collections.abc import Collection, Sequence
from glob import has_magic
from itertools import islice
from pathlib import Path

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.model.unread import Unread, UnreadReason
from leadline.sources.boundary import Boundary, boundary_of
from leadline.sources.manifests.ignore import IgnoreRules, ignore_rules
from leadline.sources.manifests.ignore_files import IgnoreFiles, present_ignore_files
from leadline.sources.of_others import OF_OTHERS
from leadline.sources.regular_file import kind_of

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")
CHART_FILE = "Chart.yaml"
KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FILLED_BY_TOOLS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".terraform",
        ".venv",
        ".tox",
        ".cache",
        ".mypy_cache",
        ".pytest_cache",
        "__pycache__",
        "node_modules",
    }
)
"""Folders whose content is not written by hand; other hidden ones, such as ``.github``, are looked into."""
ARCHIVE_ENDINGS = (".tgz", ".tar.gz")
"""Of packed charts."""
_DOCKERFILES = ("dockerfile", "containerfile")
_OF_OTHER_PROGRAMS = frozenset(
    (
        *(
            "bak",
            "dockerignore",
            "go",
            "html",
            "java",
            "js",
            "json",
            "lock",
            "log",
            "md",
            "orig",
            "php",
            "ps1",
            "py",
        ),
        *("rb", "rej", "rs", "rst", "sh", "toml", "ts", "txt", "xml", "yaml", "yml"),
    )
)
"""Endings behind the word ``Dockerfile`` of what is something else: ``dockerfile.go``."""
_FILLED_IN = frozenset(("in", "m4", "template"))
"""Beside ``_TEMPLATES``."""
_TEMPLATES = (".tpl", ".tmpl", ".gotmpl", ".j2", ".jinja", ".jinja2", ".erb", ".mustache", ".hbs", ".ytt")
_PAGES = (".md", ".rst", ".adoc", ".txt", ".html")
_OF_GIT = ".git"
"""Git lets no commit hold a folder of this name, so nothing that comes with a tree is in it."""
_NAMED = 1_000
_FILES_LIMIT = 1_000_000
_DEPTH_LIMIT = 100


class ManifestFile(Struct, frozen=True):
    real: str
    """The path to open; ``-`` for standard input."""
    path: str
    """Relative to the root, with forward slashes."""
    is_named: bool = False
    """Whether the user named it, so that it is meant to hold objects."""


class FileListing(Struct, frozen=True):
    """What a walk found."""

    root: str
    """The folder that paths are relative to, as the user named it."""
    files: tuple[ManifestFile, ...]
    unread: tuple[Unread, ...] = ()
    ignored: int = 0
    """Files and folders that the ignore rules left out."""
    left_out: tuple[Unread, ...] = ()
    """The same by name, with the folders that tools fill; the first of them where there are very many."""
    templates: tuple[ManifestFile, ...] = ()
    """Files for engines of templates that are not run here."""
    charts: tuple[str, ...] = ()
    """Folders with a ``Chart.yaml``, relative to the root, ``.`` for itself; parents before what they hold."""
    kustomizations: tuple[str, ...] = ()
    """Folders with a kustomization, likewise."""
    has_archives: bool = False
    """Whether there are packed files that may be charts."""
    of_others: tuple[ManifestFile, ...] = ()
    """What other scanners leave out or accept, in files of theirs; named among ``left_out`` as well."""


def list_files(
    targets: Sequence[str],
    ignore: Sequence[str] = (),
    claimed: Collection[str] = frozenset(),
    *,
    ignore_files: IgnoreFiles = present_ignore_files,
) -> FileListing:
    """Every file that ``targets`` (folders, files, globs, ``-``) name, each once.

    ``ignore`` holds further rules, read after those of the ignore file in each folder. ``claimed`` holds the
    absolute paths of files and folders that another source reads. ``ignore_files``: which lines count as those of the ignore files in a folder.

    Raises: ``ManifestError`` for a target that does not exist or is neither a file nor a folder.
    """
    walk = _Walk(root_of(targets), tuple(ignore), frozenset(claimed), ignore_files)
    for target in targets:
        walk.target(target)
    return FileListing(
        walk.root,
        tuple(walk.files),
        tuple(walk.unread),
        walk.ignored,
        tuple(walk.left_out),
        tuple(walk.templates),
        tuple(dict.fromkeys(walk.charts)),
        tuple(dict.fromkeys(walk.kustomizations)),
        walk.has_archives,
        tuple(walk.of_others),
    )


def root_of(targets: Sequence[str]) -> str:
    """The folder that paths are relative to: the one folder named, else the deepest above all targets."""
    folders = [_folder_of(target) for target in targets if target != STDIN]
    if not folders:
        return ""
    if len(set(folders)) == 1:
        return folders[0]
    if len({Path(folder).is_absolute() for folder in folders}) > 1 or any(
        ".." in Path(f).parts for f in folders
    ):
        folders = [absolute(folder) for folder in folders]
    return os.path.commonpath([os.path.normpath(folder) for folder in folders]) or "."


def _nearest(target: str) -> str:
    """What lies beside ``target`` under almost the same name."""
    from difflib import get_close_matches  # only for a name that is wrong

    path = Path(target)
    try:
        names = [entry.name for entry in islice(os.scandir(path.parent), _NAMED)]
    except (OSError, ValueError):
        return ""
    near = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"did you mean {path.parent / near[0]}?" if near else ""


def _folder_of(target: str) -> str:
    if has_magic(target) and not os.path.lexists(target):
        parts = Path(target).parts
        fixed = next(i for i, part in enumerate(parts) if has_magic(part))
        return str(Path(*parts[:fixed]))
    return target if Path(target).is_dir() else str(Path(target).parent)


class _Walk:
    def __init__(
        self, root: str, ignore: tuple[str, ...], claimed: frozenset[str], ignore_files: IgnoreFiles
    ) -> None:
        self._ignore_files = ignore_files
        self.root = root
        self.files: list[ManifestFile] = []
        self.unread: list[Unread] = []
        self.ignored = 0
        self.left_out: list[Unread] = []
        self.templates: list[ManifestFile] = []
        self.charts: list[str] = []
        self.kustomizations: list[str] = []
        self.has_archives = False
        self.of_others: list[ManifestFile] = []
        self._ignore = ignore
        self._claimed = claimed
        self._seen: set[tuple[int, int]] = set()
        self._rules = IgnoreRules()
        self._boundary = Boundary("")
        self._links: list[str] = []

    def target(self, target: str) -> None:
        if target == STDIN:
            if all(file.real != STDIN for file in self.files):
                self.files.append(ManifestFile(STDIN, STDIN, True))
        elif Path(target).is_dir():
            self._walk_target(target, target)
        elif has_magic(target) and not os.path.lexists(target):
            self._glob(target)
        else:
            self._named_file(target)

    def _walk_target(self, top: str, folder: str) -> None:
        self._boundary = boundary_of(top)
        self._rules = ignore_rules([*self._ignore_files(top), *self._ignore])
        self._folder(folder, top, 0)
        while self._links:
            self._link(self._links.pop(0), top)

    def _named_file(self, target: str) -> None:
        try:
            mode = Path(target).stat().st_mode
        except FileNotFoundError as error:
            raise ManifestError(
                f"no such file: {target}", hint=_nearest(target) or "check the path"
            ) from error
        except (OSError, ValueError) as error:
            raise ManifestError(f"cannot read {target}: {_reason(error)}") from error
        if not stat.S_ISREG(mode):
            hint = "pipe it into standard input and name '-'"
            raise ManifestError(f"{target} is {kind_of(mode)}, not a file", hint=hint)
        if not self._is_claimed(target):
            self._add(target, is_named=True)

    def _glob(self, pattern: str) -> None:
        """``**`` crosses folders."""
        top = _folder_of(pattern)
        relative = os.path.relpath(pattern, top).replace(os.sep, "/")
        wanted = ignore_rules(["/" + relative])
        if not Path(top).is_dir():
            raise ManifestError(f"no such folder: {top}", hint=f"nothing can match {pattern}")
        whole = _Walk(top, self._ignore, self._claimed, self._ignore_files)
        whole._walk_target(top, top)
        matches = [file for file in whole.files if wanted.ignores_file(file.path)]
        refused = [
            u for u in whole.unread if wanted.ignores_file(_inside(top, str(Path(self.root) / u.where)))
        ]
        if not matches and not refused and not whole.ignored:
            raise ManifestError(f"no file matches {pattern}", hint="quote the pattern, or check the path")
        self.ignored += whole.ignored
        self.left_out += whole.left_out
        for file in matches:
            self._add(file.real)
        self.unread += refused

    def _folder(self, folder: str, top: str, depth: int) -> None:
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
            status = Path(folder).stat()
        except OSError as error:
            self._refuse(folder, _reason(error), _kind_of(error))
            return
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        if depth > _DEPTH_LIMIT:
            self._refuse(folder, f"folders nested deeper than {_DEPTH_LIMIT} levels", "too large")
            return
        self._note_owners(folder, {entry.name for entry in ordered})
        for entry in ordered:
            self._entry(entry, top, depth)

    def _entry(self, entry: os.DirEntry[str], top: str, depth: int) -> None:
        is_folder = entry.is_dir(follow_symlinks=False)
        is_link = entry.is_symlink()
        if is_folder and is_filled_by_tools(entry.name):
            if entry.name != _OF_GIT:
                self._leave_out(entry.path, "a folder that tools fill, left out for its name")
            return
        if not is_folder and not is_link and not is_manifest(entry.name) and not is_dockerfile(entry.name):
            if is_dockerfile_template(entry.name):
                self._leave_out(entry.path, "a template of a Dockerfile, which nothing here fills in")
            elif is_template(entry.name) and entry.is_file() and absolute(entry.path) not in self._claimed:
                self._add_template(entry.path)
            return
        if self._claimed and absolute(entry.path) in self._claimed:
            return
        if self._rules.rules and self._rules.ignores(_inside(top, entry.path), is_folder=is_folder):
            self.ignored += 1
            self._leave_out(entry.path, "left out by an ignore file or an excluded path")
        elif is_link:
            self._links.append(entry.path)
        elif is_folder:
            self._folder(entry.path, top, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            self._add(entry.path)
        else:
            self._refuse(
                entry.path,
                f"it is {kind_of(entry.stat(follow_symlinks=False).st_mode)}, not a file",
                "unsupported",
            )

    def _link(self, link: str, top: str) -> None:
        """Links come last, so that what they point to is known by its own name."""
        real = os.path.realpath(link)
        is_folder = Path(real).is_dir()
        name = Path(link).name
        if not is_folder and not is_manifest(name) and not is_dockerfile(name):
            return
        if is_folder and is_filled_by_tools(Path(link).name):
            return
        if not self._boundary.holds(link):
            self._refuse(
                link, "a link that leaves the folder", "unsupported", "scan what it points to by its own path"
            )
        elif is_folder:
            self._folder(link, top, link.count(os.sep) - top.count(os.sep))
        elif Path(real).is_file():
            self._add(link)
        elif Path(real).exists():
            self._refuse(link, "a link to something that is not a file", "unsupported")
        else:
            self._refuse(link, "a link to nothing", "missing")

    def _add(self, path: str, *, is_named: bool = False) -> None:
        try:
            status = Path(path).stat()
        except OSError as error:
            self._refuse(path, _reason(error), _kind_of(error))
            return
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        if len(self.files) >= _FILES_LIMIT:
            raise ManifestError(f"more than {_FILES_LIMIT} files", hint="scan a smaller folder")
        self.files.append(ManifestFile(path, _inside(self.root, path), is_named))

    def _add_template(self, path: str) -> None:
        if len(self.templates) < _NAMED:
            self.templates.append(ManifestFile(path, _inside(self.root, path)))

    def _leave_out(self, path: str, why: str) -> None:
        if len(self.left_out) < _NAMED:
            self.left_out.append(Unread(_inside(self.root, path), why, "left out"))

    def _refuse(self, path: str, why: str, reason: UnreadReason, hint: str = "") -> None:
        self.unread.append(Unread(_inside(self.root, path), why, reason, hint=hint))

    def _note_owners(self, folder: str, names: set[str]) -> None:
        if CHART_FILE in names:
            self.charts.append(_inside(self.root, folder))
        if names.intersection(KUSTOMIZATION_FILES):
            self.kustomizations.append(_inside(self.root, folder))
        self.has_archives = self.has_archives or any(name.endswith(ARCHIVE_ENDINGS) for name in names)

        for name in sorted(names.intersection(OF_OTHERS)):
            path = Path(folder, name)
            if len(self.of_others) < _NAMED and path.is_file() and not path.is_symlink():
                self.of_others.append(ManifestFile(str(path), _inside(self.root, str(path))))
                self._leave_out(
                    str(path), f"what {OF_OTHERS[name]} leaves out; leadline migrate takes it over"
                )

    def _is_claimed(self, path: str) -> bool:
        whole = Path(absolute(path))
        return any(str(p) in self._claimed for p in (whole, *whole.parents))


def absolute(path: str) -> str:
    """``path`` from the root of the file system, links kept."""
    return os.path.normpath(Path(path).absolute())


def is_manifest(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def is_dockerfile(name: str) -> bool:
    """By its name: ``Dockerfile``, ``Dockerfile.prod``, ``web.Dockerfile``, ``Containerfile``; not one that is filled in first."""
    kind, ending = _dockerfile_parts(name)
    return bool(kind) and ending not in _OF_OTHER_PROGRAMS and not is_dockerfile_template(name)


def has_dockerfile_name_alone(name: str) -> bool:
    """Whether nothing else has that name."""
    return name.lower() in _DOCKERFILES


def is_dockerfile_template(name: str) -> bool:
    """Whether another program makes a Dockerfile of it: ``Dockerfile.j2``."""
    kind, ending = _dockerfile_parts(name)
    return bool(kind) and (ending in _FILLED_IN or f".{ending}" in _TEMPLATES)


def _dockerfile_parts(name: str) -> tuple[str, str]:
    """The word that says what it is, empty where none does, and the last ending behind it."""
    name = name.lower()
    if "file" not in name:
        return "", ""
    for kind in _DOCKERFILES:
        if name == kind or name.endswith(f".{kind}"):
            return kind, ""
        if name.startswith(f"{kind}."):
            return kind, name.rpartition(".")[2]
    return "", ""


def is_template(name: str) -> bool:
    """Whether a file is one for an engine of templates, by its ending; not where a page is made of it."""
    stem, _, ending = name.lower().rpartition(".")
    return f".{ending}" in _TEMPLATES and not stem.endswith(_PAGES)


def is_filled_by_tools(name: str) -> bool:
    """Whether a folder of this name is left out of every walk.

    A mounted ConfigMap keeps its files in a folder such as ``..data`` and links to each beside it.
    """
    return name in FILLED_BY_TOOLS or name.startswith("..")


def _inside(root: str, path: str) -> str:
    """``path`` relative to ``root`` with forward slashes; names that are not UTF-8 get a replacement character."""
    relative = os.path.relpath(path, root or ".")
    if os.sep != "/":
        relative = relative.replace(os.sep, "/")
    return relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _kind_of(error: OSError) -> UnreadReason:
    return "forbidden" if isinstance(error, PermissionError) else "unreachable"


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "no permission"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
