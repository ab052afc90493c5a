"""What a Dockerfile does that its image, or the build of it, is easier broken into by. No text of it is repeated that may hold a secret."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain

from msgspec import Struct

from leadline.packages.reference import DEFAULT_TAG, Reference, read_reference
from leadline.sbom.dockerfile.instructions import Dockerfile, Instruction
from leadline.sbom.dockerfile.stages import NOTHING, Stage, Step, built, stages_of
from leadline.sbom.dockerfile.variables import names_without_value, pairs_of
from leadline.sbom.run_rules import EMPTY_CACHE, NAME_A_USER, administrator, remote_access, remote_host
from leadline.sbom.secrets.patterns import named_kind
from leadline.sbom.secrets.scan import command_kind, secret_kind

ROOT_USER = "rootUser"
CREDENTIAL = "toRevoke"
FLOATING_BASE = "floatingBase"
BASE_WITHOUT_DIGEST = "baseWithoutDigest"
REMOTE_ADD = "remoteAdd"
PACKAGE_CACHE = "packageCache"
REMOTE_CONTROL = "remoteControlPort"
_NAMED = 3
_WINDOWS = re.compile(r"^mcr\.microsoft\.com/(?:windows|dotnet/framework)\b")
_WITHOUT_ROOT = re.compile(r"nonroot|non-root|rootless|unprivileged")
"""In names and tags of images that are published beside others which run as root."""
_ANY_VALUE = "kJ3f9Qz7Lw2p"
"""In the place of a build argument's value, which a Dockerfile does not say."""


class Fault(Struct, frozen=True):
    """One fault of one instruction."""

    rule: str
    at: int
    """The instruction's number in the file, from 0."""
    why: str
    is_open: bool = False
    """Whether the rule cannot say: something it depends on is not in the file."""


def faults_of(file: Dockerfile) -> tuple[Fault, ...]:
    """Every fault, rule by rule, in the order of the file.

    Raises: ``RefusedError`` where builders refuse the file.
    """
    stages = stages_of(file.instructions)
    image = tuple(built(stages))
    return (
        *_user(image, is_windows=file.escape == "`"),
        *_credentials(file.instructions),
        *_bases(stages),
        *_remote_files(step for stage in stages for step in stage.steps),
        *_caches(image),
        *_ports(image),
    )


def _user(image: Sequence[Stage], *, is_windows: bool) -> Iterator[Fault]:
    is_windows = is_windows or bool(_WINDOWS.match(image[0].base or ""))
    named = [step for stage in image for step in stage.steps if _is_own(step, "USER")]
    if named:
        last = named[-1]
        if last.text is None:
            yield Fault(ROOT_USER, last.at, _why_open(last.one, "which user it is"), is_open=True)
        elif why := administrator(last.text, None, is_windows=is_windows):
            yield Fault(ROOT_USER, last.at, f"{why}; {NAME_A_USER}")
        return
    at, base = image[-1].start.at, image[0].base
    if base == NOTHING:
        yield Fault(ROOT_USER, at, f"no user is set; {NAME_A_USER}")
    elif base is None or is_windows or _WITHOUT_ROOT.search(base):
        yield Fault(ROOT_USER, at, "the user is that of its base image, which is not read", is_open=True)
    else:
        yield Fault(ROOT_USER, at, f"no user is set, and most base images run as root; {NAME_A_USER}")


def _credentials(instructions: Sequence[Instruction]) -> Iterator[Fault]:
    for at, one in enumerate(instructions):
        if one.name in ("ENV", "ARG", "LABEL"):
            found = [(name, kind) for name, value in pairs_of(one) if (kind := _kind_of(one, name, value))]
            said = [f"{kind} in {name}" for name, kind in found[:_NAMED]]
            said += [f"{len(found) - _NAMED:,} more"] if len(found) > _NAMED else []
        else:
            texts = chain((one.text,), *(document.split("\n") for document in one.documents))
            said = list(filter(None, (next(filter(None, map(command_kind, texts)), ""),)))
        if said:
            yield Fault(
                CREDENTIAL,
                at,
                f"{', '.join(said)}; revoke it, and give it to the build by RUN --mount=type=secret",
            )


def _kind_of(one: Instruction, name: str, value: str | None) -> str:
    if value is None:
        return "credential of who builds" if named_kind(name, _ANY_VALUE) else ""
    return secret_kind(value) or named_kind(name, value) or (command_kind(value) if one.name == "ENV" else "")


def _bases(stages: Sequence[Stage]) -> Iterator[Fault]:
    earlier: set[str] = set()
    for number, stage in enumerate(stages):
        start = stage.start
        if stage.parent is None and stage.base != NOTHING:
            yield from _base(start.at, stage.base, start.one)
        for step in stage.steps:
            name = "" if step.one.is_trigger else step.one.flag("from")
            is_stage = name.lower() in earlier or (name.isdecimal() and int(name[:6]) < number)
            if step.one.name == "COPY" and name and not is_stage:
                yield from _base(step.at, None if "$" in name else name, step.one)
        earlier.add(stage.name)


def _base(at: int, base: str | None, one: Instruction) -> Iterator[Fault]:
    if base is None:
        why = _why_open(one, "which image it is")
        yield Fault(FLOATING_BASE, at, why, is_open=True)
        yield Fault(BASE_WITHOUT_DIGEST, at, why, is_open=True)
        return
    image = read_reference(base)
    if image is None or image.digest:
        return
    if image.tag in ("", DEFAULT_TAG):
        yield Fault(
            FLOATING_BASE, at, f"{_shown(image)} is another image after its next release; name a version"
        )
    else:
        yield Fault(
            BASE_WITHOUT_DIGEST,
            at,
            f"{_shown(image)} can be pushed again; append the digest it was tested with",
        )


def _shown(image: Reference) -> str:
    name = image.familiar
    return name if len(name) <= 100 else f"{name[:99]}…"


def _remote_files(steps: Iterator[Step]) -> Iterator[Fault]:
    for step in steps:
        one = step.one
        if one.name != "ADD" or one.flag("checksum"):
            continue
        sources = _words(one.text if step.text is None else step.text)[:-1]
        if any(map(remote_host, sources)):
            yield Fault(
                REMOTE_ADD,
                step.at,
                "whatever the server holds on the day of the build is taken; add --checksum=sha256:… or the commit",
            )


def _words(text: str) -> list[str]:
    if text.startswith("["):
        return re.findall(r"\"((?:\\.|[^\"\\])*)\"", text)
    return text.split()


class _Manager(Struct, frozen=True):
    """A package manager, and what it leaves behind."""

    name: str
    fills: str
    empties: str
    """Patterns of what it is asked to do, and of how that is undone."""
    folders: tuple[str, ...]
    """Where a cache that is mounted for the build has to be."""
    variable: str = ""
    """Of the environment, which turns the cache off."""


_START = r"(?<![\w.-])"
_FLAGS = r"(?:\s{1,200}-\S{1,80}){0,20}\s{1,200}"
_REST = r"[^;&|\n]{0,500}"
"""Of one command of a line. All are bounded: a line may repeat the first word of a command a hundred thousand times."""
_MANAGERS = (
    _Manager(
        "apt",
        _START
        + r"(?:apt|apt-get|aptitude)"
        + _FLAGS
        + r"(?:update|install|upgrade|dist-upgrade|full-upgrade)\b",
        r"\b(?:rm|find)\b" + _REST + r"/var/lib/apt",
        ("/var/lib/apt",),
    ),
    _Manager(
        "apk",
        _START + r"apk" + _FLAGS + r"(?:add|update|upgrade)\b",
        r"--no-cache\b|\brm\b" + _REST + r"/(?:var/cache|etc)/apk|apk\s{1,9}cache\s{1,9}clean",
        ("/var/cache/apk", "/etc/apk/cache"),
    ),
    _Manager(
        "dnf",
        _START
        + r"(?:dnf|dnf5|yum|microdnf|tdnf)"
        + _FLAGS
        + r"(?:install|update|upgrade|groupinstall|makecache|localinstall)\b",
        r"\b(?:dnf5?|yum|microdnf|tdnf)\b"
        + _REST
        + r"\bclean\b|\brm\b"
        + _REST
        + r"/var/cache/(?:lib)?(?:dnf|yum)?",
        ("/var/cache",),
    ),
    _Manager(
        "zypper",
        _START + r"zypper" + _FLAGS + r"(?:install|in|update|up|dup|patch|refresh|ref)\b",
        r"\bzypper\b" + _REST + r"\b(?:clean|cc)\b|\brm\b" + _REST + r"/var/cache/zypp",
        ("/var/cache/zypp",),
    ),
    _Manager(
        "pip",
        _START
        + r"(?:pip[0-9.]*|python[0-9.]*\s{1,9}-m\s{1,9}pip)"
        + _FLAGS
        + r"(?:install|wheel|download)\b",
        r"--no-cache-dir\b|\bPIP_NO_CACHE_DIR=|\bpip[0-9.]*\s{1,9}cache\s{1,9}purge\b|\brm\b"
        + _REST
        + r"\.cache",
        ("/root/.cache", "/.cache/pip", "/cache/pip"),
        "PIP_NO_CACHE_DIR",
    ),
)


def _caches(image: Sequence[Stage]) -> Iterator[Fault]:
    for stage in image:
        for step in stage.steps:
            one = step.one
            if not _is_own(step, "RUN"):
                continue
            # What a line continues with in the shell is one command as well.
            text = "\n".join((one.text, *one.documents)).replace("\\\n", " ")
            if one.text.startswith("["):
                text = " ".join(_words(one.text))
            mounts = [
                value
                for name, value in one.flags
                if name == "mount" and re.search("type=(?:cache|tmpfs)", value)
            ]
            left = [manager for manager in _MANAGERS if _leaves(manager, text, mounts, stage)]
            if left:
                names = ", ".join(manager.name for manager in left)
                fixes = "; ".join(EMPTY_CACHE[manager.name] for manager in left)
                yield Fault(PACKAGE_CACHE, step.at, f"what {names} fetched stays in the image; {fixes}")


def _leaves(manager: _Manager, text: str, mounts: Sequence[str], stage: Stage) -> bool:
    if not _pattern(manager.fills).search(text) or _pattern(manager.empties).search(text):
        return False
    if any(folder in mount for folder in manager.folders for mount in mounts):
        return False
    return not (
        manager.variable and stage.environment.get(manager.variable, "") not in ("", "0", "false", "off")
    )


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compiled at first use: most scans meet no Dockerfile."""
    return re.compile(pattern)


def _ports(image: Sequence[Stage]) -> Iterator[Fault]:
    for stage in image:
        for step in stage.steps:
            found = (
                filter(None, map(remote_access, (step.text or "").split())) if _is_own(step, "EXPOSE") else ()
            )
            if names := list(dict.fromkeys(found)):
                yield Fault(
                    REMOTE_CONTROL, step.at, f"it is for {', '.join(names)}; let nothing listen there"
                )


def _is_own(step: Step, name: str) -> bool:
    """Whether it is an instruction of this image, and not of what builds on it."""
    return step.one.name == name and not step.one.is_trigger


def _why_open(one: Instruction, what: str) -> str:
    name = names_without_value(one.text, {})
    return f"{what} depends on {f'the argument {name}' if name else 'an argument'}, which has no default"
