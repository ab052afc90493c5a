"""Repositories, fetched by the user's own git with the user's own credentials into a folder that goes away.

Only one commit is fetched. Neither submodules nor the content of large files (LFS) are: both are named.
"""

import base64
import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from leadline.errors import SourceError
from leadline.model.unread import Unread
from leadline.sources.boundary import boundary_of
from leadline.sources.child_process import Command, Limits, Outcome, run_child
from leadline.sources.confinement import Confinement, Modes, offered_modes
from leadline.sources.git.address import SCHEMES, GitAddress, git_address
from leadline.sources.git.revision import OF_ANOTHER_REPOSITORY
from leadline.sources.temporary_folder import temporary_folder

LIMITS = Limits(timeout_s=600.0, memory_bytes=4 << 30, output_bytes=64 << 20, file_bytes=16 << 30)

_TOKENS: Mapping[str, tuple[str, ...]] = {
    "github.com": ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "dev.azure.com": ("AZURE_TOKEN",),
    "bitbucket.org": ("BITBUCKET_TOKEN",),
}
"""Variables that a pipeline keeps a token in; tried once the user's own credentials were refused."""

_SETTINGS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.autocrlf=false",
    "-c", "core.fsmonitor=false",
    "-c", "http.lowSpeedLimit=1000",
    "-c", "http.lowSpeedTime=30",
    "-c", "gc.auto=0",
    "-c", "advice.detachedHead=false",
)  # fmt: skip
_REACHING = ("fetch", "ls-remote")
"""These need the network and the user's own settings and credentials; no other command of git does."""
_NO_SETTINGS = {
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
}
"""Filters of the user's would be run on what was fetched."""
_SYSTEM = ("/usr/", "/bin/")
_WRITTEN_BY_HELPERS = (".cache", ".config/gcloud", ".azure", ".aws/cli/cache", ".aws/sso/cache")
"""Where credential helpers keep what they fetched, as far as it is there."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
_COMMIT = re.compile(r"^[0-9a-f]{7,64}$")
_WHOLE_COMMIT_LENGTHS = (40, 64)
_LFS = "^version https://git-lfs.github.com/spec/v"
_LFS_FILES = ("*.yaml", "*.yml", "*.json", "*.tgz", "*.tar")
_NAMED_AT_MOST = 200
_REFUSED = (
    "authentication failed", "could not read username", "could not read password", "permission denied",
    "the requested url returned error: 401", "the requested url returned error: 403", "terminal prompts disabled",
    "host key verification failed", "access denied",
)  # fmt: skip
_ABSENT = (
    "repository not found", "not found", "does not appear to be a git repository", "does not exist",
    "no such file or directory", "could not read from remote repository",
)  # fmt: skip
_UNREACHABLE = (
    "could not resolve host", "could not resolve proxy", "connection refused", "connection timed out",
    "failed to connect", "network is unreachable", "operation too slow", "couldn't connect to server",
)  # fmt: skip


class Checkout(Struct, frozen=True):
    """One commit of a repository on the disk."""

    top: Path
    """The folder that holds the whole repository."""
    path: Path
    """What was asked for: the top, a folder below it, or a file."""
    shown: str
    """The address without credentials."""
    branch: str
    """Empty where a tag or a commit was asked for."""
    commit: str
    committed_at: str
    """RFC 3339."""
    confinement: str = ""
    """How git was confined."""
    unread: tuple[Unread, ...] = ()
    """Submodules, and files of which only the pointer is here; paths relative to ``path``."""


class _Ref(Struct, frozen=True):
    revision: str
    """``refs/heads/…``, ``refs/tags/…``, ``HEAD`` or a commit."""
    branch: str = ""
    folder: str = ""


@contextlib.contextmanager
def checked_out(
    text: str, environment: Mapping[str, str], limits: Limits = LIMITS, modes: Modes | None = None
) -> Iterator[Checkout]:
    """The repository at the address ``text``; its files are gone afterwards, however the block is left.

    ``modes`` are how git is confined; ``None`` for what the kernel offers.

    Raises:
        UsageError: ``text`` is not an address that may be fetched.
        SourceError: git, the repository, access or the revision is missing or folder.
    """
    address = git_address(text)
    program = shutil.which("git", path=environment.get("PATH", ""))
    if program is None:
        raise SourceError(
            "git is not installed", hint="install it, or clone the repository and scan the folder"
        )
    with temporary_folder() as folder:
        repository = _Repository(program, folder / "repository", _environment(environment), limits)
        yield repository.check_out(address, offered_modes() if modes is None else modes)


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's own, so that keys, agents, helpers and proxies work; but nothing asks, and nothing hides."""
    kept = {name: value for name, value in environment.items() if name not in OF_ANOTHER_REPOSITORY}
    # Where git may not write beside its folder, ssh could not make the socket that it would be asked for.
    kept.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ControlMaster=no")
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


class _Repository:
    """A repository while it is being fetched."""

    def __init__(self, program: str, folder: Path, environment: dict[str, str], limits: Limits) -> None:
        self._program = program
        self._folder = folder
        self._environment = environment
        self._limits = limits
        self._alone = self._reaching = Confinement(Modes("none", "open"))

    def check_out(self, address: GitAddress, modes: Modes) -> Checkout:
        self._folder.mkdir()
        self._confine(modes)
        self._must("init", "--quiet", "--template=")
        ref = self._find(address)
        self._must("checkout", "--quiet", "--detach", self._fetch(address, ref))
        commit, _, moment = (
            self._must("show", "--no-patch", "--no-show-signature", "--format=%H %cI", "HEAD")
            .strip()
            .partition(" ")
        )
        path = self._path(address, ref.folder)
        unread = tuple(self._named(path))
        return Checkout(self._folder, path, address.shown, ref.branch, commit, moment, _told(modes), unread)

    def _confine(self, modes: Modes) -> None:
        """What was fetched is unpacked and listed without a network and without anything but its own folder.

        Fetching needs the network and whatever the user's credentials are kept in; it reads, and writes to little.
        """
        home = self._environment.get("HOME", "")
        kept = tuple(str(Path(home) / place) for place in _WRITTEN_BY_HELPERS) if home.startswith("/") else ()
        folder = str(self._folder)
        # Those of other package managers load their libraries from wherever they keep them.
        is_of_system = str(Path(self._program).resolve()).startswith(_SYSTEM)
        self._alone = Confinement(modes, (), (folder,), () if is_of_system else ("/",))
        self._reaching = Confinement(Modes(modes.files, "open"), ("/",), (folder, *kept, "/dev"), ("/",))

    def _find(self, address: GitAddress) -> _Ref:
        """Which of the repository's references is meant. One round trip, or two where a token is needed."""
        wanted = [address.revision] if address.revision else _prefixes(address.tail)
        patterns = [f"refs/{kind}/{name}" for name in wanted for kind in ("heads", "tags")]
        arguments = ("ls-remote", "--symref", "--", address.url, "HEAD", *patterns)
        outcome = self._run(*arguments)
        if not outcome.is_success and _says(outcome, (*_REFUSED, *_ABSENT)) and self._use_token(address):
            outcome = self._run(*arguments)
        if not outcome.is_success:
            raise _failure(outcome, address, self._limits)
        lines = outcome.output.decode("utf-8", "replace").splitlines()
        rows = {line.partition("\t")[2] for line in lines}
        for name in wanted:
            folder = address.tail[len(name) + 1 :] if address.tail else address.folder
            if f"refs/heads/{name}" in rows:
                return _Ref(f"refs/heads/{name}", name, folder)
            if f"refs/tags/{name}" in rows:
                return _Ref(f"refs/tags/{name}", "", folder)
        commit, _, folder = (
            address.tail.partition("/") if address.tail else (address.revision, "", address.folder)
        )
        if _COMMIT.match(commit):
            return _Ref(commit, "", folder)
        if commit:
            raise SourceError(f"no branch, tag or commit {commit} in {address.shown}", hint="check its name")
        if "HEAD" not in rows:
            raise SourceError(f"{address.shown} is empty", hint="name a branch, if it has one")
        return _Ref("HEAD", _default(lines), folder)

    def _fetch(self, address: GitAddress, ref: _Ref) -> str:
        """What to check out, once it is here."""
        is_commit = bool(_COMMIT.match(ref.revision))
        if not is_commit or len(ref.revision) in _WHOLE_COMMIT_LENGTHS:
            outcome = self._run(*_FETCH, "--depth=1", "--", address.url, ref.revision)
            if outcome.is_success:
                return "FETCH_HEAD"
            if not is_commit and not _says(outcome, ("shallow",)):
                raise _failure(outcome, address, self._limits)
        # A server may refuse to hand out a commit by its hash or a part of the history; none knows short hashes.
        sources = (
            ("+refs/heads/*:refs/remotes/o/*", "+refs/tags/*:refs/tags/*") if is_commit else (ref.revision,)
        )
        outcome = self._run(*_FETCH, "--", address.url, *sources)
        if not outcome.is_success:
            raise _failure(outcome, address, self._limits)
        if is_commit and not self._run("cat-file", "-e", f"{ref.revision}^{{commit}}").is_success:
            raise SourceError(f"no commit {ref.revision} in {address.shown}", hint="check the hash")
        return ref.revision if is_commit else "FETCH_HEAD"

    def _path(self, address: GitAddress, folder: str) -> Path:
        path = self._folder / folder
        if not path.exists() or not boundary_of(self._folder).holds(path):
            raise SourceError(
                f"no folder {folder} in {address.shown}", hint="check its name and the revision"
            )
        return path

    def _named(self, path: Path) -> Iterator[Unread]:
        base = path if path.is_dir() else path.parent
        inside = base.relative_to(self._folder).as_posix()
        scope = ("--", inside) if inside != "." else ()
        rows = self._must("ls-files", "--stage", "-z", *scope).split("\0")
        submodules = [row.partition("\t")[2] for row in rows if row.startswith("160000 ")]
        for name in submodules[:_NAMED_AT_MOST]:
            hint = "clone with --recurse-submodules and scan the folder"
            yield Unread(
                os.path.relpath(name, inside), "a git submodule, which is not fetched", "left out", hint=hint
            )
        found = self._run("grep", "--cached", "-l", "-z", "-E", _LFS, "--", *_LFS_FILES)
        names = [name for name in found.output.decode("utf-8", "replace").split("\0") if name]
        for name in [name for name in names if inside == "." or name.startswith(f"{inside}/")][
            :_NAMED_AT_MOST
        ]:
            hint = "clone with git-lfs and scan the folder"
            yield Unread(
                os.path.relpath(name, inside), "only the pointer of a large file (LFS)", "left out", hint=hint
            )

    def _use_token(self, address: GitAddress) -> bool:
        """Takes the pipeline's token for the host, where there is one; it travels in the environment, unseen."""
        if not address.url.startswith("https://"):
            return False
        token = next(
            (value for name in _TOKENS.get(address.host, ()) if (value := self._environment.get(name))), ""
        )
        if not token:
            return False
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        count = int(self._environment.get("GIT_CONFIG_COUNT") or "0")
        self._environment |= {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"http.https://{address.host}/.extraHeader",
            f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {secret}",
        }
        return True

    def _must(self, *arguments: str) -> str:
        outcome = self._run(*arguments)
        if not outcome.is_success:
            last = outcome.complaint.splitlines()[-1] if outcome.complaint else outcome.fate
            raise SourceError(f"git {arguments[0]} failed: {last}")
        return outcome.output.decode("utf-8", "replace")

    def _run(self, *arguments: str) -> Outcome:
        is_reaching = arguments[0] in _REACHING
        command = Command(
            (self._program, *_SETTINGS, *arguments),
            str(self._folder),
            self._environment if is_reaching else self._environment | _NO_SETTINGS,
            confinement=self._reaching if is_reaching else self._alone,
        )
        try:
            return run_child(command, self._limits)
        except OSError as error:
            raise SourceError(f"git cannot be started: {error.strerror or error}") from error


def _told(modes: Modes) -> str:
    files = "files by Landlock" if modes.files == "landlock" else "not confined"
    return f"git: {files}"


def _prefixes(tail: str) -> list[str]:
    """Every way to end the revision, shortest first; a branch may have slashes in its name."""
    steps = tail.split("/") if tail else []
    return ["/".join(steps[: count + 1]) for count in range(min(len(steps), 8))]


def _default(lines: list[str]) -> str:
    """The branch that ``HEAD`` represents: ``ref: refs/heads/main<TAB>HEAD``."""
    marks = (line.partition("\t") for line in lines if line.startswith("ref: refs/heads/"))
    return next((mark.removeprefix("ref: refs/heads/") for mark, _, name in marks if name == "HEAD"), "")


def _says(outcome: Outcome, words: tuple[str, ...]) -> bool:
    complaint = outcome.complaint.lower()
    return any(word in complaint for word in words)


def _failure(outcome: Outcome, address: GitAddress, limits: Limits) -> SourceError:
    where = address.shown
    if outcome.fate == "out of time":
        return SourceError(f"{where} was not fetched within {limits.timeout_s:g} s")
    if _says(outcome, _UNREACHABLE):
        return SourceError(f"cannot reach {address.host or where}", hint="check the address and the network")
    if _says(outcome, _REFUSED):
        variable = next(iter(_TOKENS.get(address.host, ())), "")
        hint = "let your git have credentials for it" + (f", or set {variable}" if variable else "")
        return SourceError(f"no access to {where}", hint=hint)
    if _says(outcome, _ABSENT):
        return SourceError(f"no git repository at {where}, or no access to it", hint="check the address")
    last = outcome.complaint.splitlines()[-1] if outcome.complaint else outcome.fate
    return SourceError(f"{where} was not fetched: {last.replace(address.url, where)}")
