"""What of a chart's templates depends on things that no values decide: an upgrade, the time, chance, the cluster.

A chart that shows a privileged pod on an upgrade alone, or from next year on, renders to nothing of it here. Upgrades, and the APIs
that a template asks the cluster for, are rendered as well; what then remains is named by its line.

The text of templates is read without an engine (https://pkg.go.dev/text/template): blocks, and what their conditions name.
"""

import os
import re
import tarfile
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from leadline.sources.boundary import boundary_of
from leadline.sources.regular_file import open_regular, read_regular
from leadline.sources.rendering.helm.files import is_random

_FILE_BYTES = 1 << 20
_ALL_BYTES = 32 << 20
_MEMBERS = 5_000
_KNOWN = 500
_KNOWN_LENGTH = 1 << 16
"""Texts that are kept taken apart, and the longest of them."""
_MOST = 50
"""Places that are named of one chart, and APIs that it is rendered with."""
_DEFINED_BYTES = 8 << 20
"""Of the named templates of one file: blocks within blocks repeat what is in them."""
A_FILE = "a file that is rendered as a template"
TOO_MUCH = "more than can be read of it"
_UNREAD = "{{"
"""In the place of a text that was not read to its end: an action without an end is ``TOO_MUCH``."""
_MOST_ACTIONS = 20_000
"""Of one file."""
_WORDS = r"(?>[^\"`'}]+|\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|'(?:\\.|[^'\\\n])*'|\}(?!\}))*+"
"""Of what is within an action: each text as a whole, for it may hold what ends one."""
_WHOLE = rf"-?\s*/\*(?s:.*?)\*/(?s:.*?)\}}\}}|(?!-?\s*/\*)({_WORDS})\}}\}}"
"""Of an action what follows its braces: a comment, or words."""
_ACTION = re.compile(r"\{\{" + f"(?:{_WHOLE}|)")
"""Of one without an end the braces alone."""
_IS_CLOSED = re.compile(r"(?:[^{]++|\{(?!\{)|\{\{" + f"(?:{_WHOLE}))*+")
_TEXT = re.compile(r"\"((?:\\.|[^\"\\])*)\"|`([^`]*)`")
_CONTROL = re.compile(r"(if|else if|else with|else|with|range|define|block|end)\b")
_ASSIGNED = re.compile(r"(\$[A-Za-z_]\w*)\s*:?=\s*(?=[^=])")
_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_API = re.compile(r"\.APIVersions\.Has\s+[(\s]*(?:\"([^\"]+)\"|`([^`]+)`)")
_FILE_OF = re.compile(r"\.Files\.Get\s+\"([^\"\\]+)\"")
_TPL = re.compile(r"tpl(?<!\wtpl)\b")
_CALLED = re.compile(r"(?:include(?<!\winclude)|template(?<!\wtemplate))\s+[(\s]*(?:\"([^\"]+)\"|`([^`]+)`)")
_DECIDES = re.compile(
    r"\b(?:ternary|eq|ne|lt|le|gt|ge|and|or|not|default|contains|hasPrefix|hasSuffix|regexMatch|semverCompare)\b"
)
_UPGRADE = "an upgrade"
_NAMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (_UPGRADE, re.compile(r"\bIs(?:Upgrade|Install)\b")),
    ("the revision", re.compile(r"\.Revision\b|\"Revision\"")),
    ("the release's name", re.compile(r"\.Release\.Name\b")),
    ("the release's namespace", re.compile(r"\.Release\.Namespace\b")),
    ("the release", re.compile(r"\.Release(?!\.\w)")),
    ("what the cluster holds", re.compile(r"(?<![.$\w-])lookup\b")),
    ("the time", re.compile(r"(?<![.$\w-])(?:now|ago)\b")),
    (
        "chance",
        re.compile(
            r"(?<![.$\w-])(?:rand(?:Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|shuffle|uuidv4|bcrypt|htpasswd|encryptAES"
            r"|gen(?:PrivateKey|CA|CAWithKey|SelfSignedCert|SelfSignedCertWithKey|SignedCert|SignedCertWithKey))\b"
        ),
    ),
    ("the names of hosts", re.compile(r"(?<![.$\w-])getHostByName\b")),
)
_SIGNS = (
    *(
        "IsUpgrade",
        "IsInstall",
        "Revision",
        "Release",
        "Capabilities",
        "APIVersions",
        "lookup",
        "now",
        "ago",
        "rand",
    ),
    *("shuffle", "uuidv4", "bcrypt", "htpasswd", "encryptAES", "genP", "genC", "genS", "getHostByName"),
)
"""One of these is in whatever one of the patterns finds."""
_SIGN = re.compile("|".join(_SIGNS))
_BY_KEY = re.compile(r"[\"`](?:Release|Capabilities)[\"`]")
_CAPABILITIES = re.compile(r"\.Capabilities(?!\.(?:KubeVersion|HelmVersion|APIVersions\.Has\s))")
_MATTERS = re.compile(
    r"(?m)(?:^|(?<=\}\}))\s*(?:- )?[\"']?(?:kind|containers|initContainers|ephemeralContainers|image|command|args|env|securityContext|privileged"
    r"|capabilities|add|runAsUser|runAsNonRoot|allowPrivilegeEscalation|readOnlyRootFilesystem|seccompProfile|procMount|sysctls"
    r"|hostPID|hostIPC|hostNetwork|hostPath|hostPort|hostUsers|volumes|volumeMounts|nodeName|serviceAccountName|serviceAccount"
    r"|automountServiceAccountToken|rules|verbs|resources|roleRef|subjects|ingress|egress|podSelector|webhooks|failurePolicy"
    r"|externalIPs|type|policyTypes)[\"']?\s*:|\b(?:toYaml|tpl|toJson|toRawJson|fromYaml)\b|\.Files\."
    r"|\b(?:include|template)\s+[(\s]*(?![\s(\"`])"
)
"""An object, a field that controls look at, text that comes from elsewhere, or a partial whose name is not written there."""


_BUILT_IN = frozenset(
    [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ]
)
"""Groups that the engine has the versions of (https://kubernetes.io/docs/reference/kubernetes-api/)."""


def is_built_in_group(api: str) -> bool:
    """Whether ``policy/v1`` or ``v1/Pod`` is of Kubernetes itself, so that the version that is rendered for decides."""
    group, slash, _ = api.partition("/")
    return not slash or group in _BUILT_IN or (group[:1] == "v" and group[1:2].isdigit() and "." not in group)


class Undecided(Struct, frozen=True):
    """A line of a template on which something depends that no values decide."""

    path: str
    line: int
    on: tuple[str, ...]
    """``the time``, ``an upgrade``, ``the API monitoring.example/v1``."""


class Doubts(Struct, frozen=True):
    """Everything of a chart."""

    rows: tuple[Undecided, ...] = ()
    has_upgrade: bool = False
    """Whether a template looks at whether the release is installed or upgraded."""
    apis: tuple[str, ...] = ()
    """Those that a template asks the cluster for and that Kubernetes does not have by itself."""
    random: Mapping[str, bool] = {}
    """By path, whether the template gives another text at each rendering; those that were read to their end."""


def doubts(templates: Mapping[str, str], known: "dict[str, Blocks] | None" = None) -> Doubts:
    """What of ``templates``, text by path, no values decide.

    ``known`` holds texts that were taken apart before: many charts of one tree have a chart within them in common.
    """
    known = {} if known is None else known
    files = {path: _taken_apart(text, known) for path, text in templates.items()}
    named = _Partials(files.values())
    rows = [row for path, blocks in files.items() for row in blocks.undecided(path, named)]
    for path, blocks in files.items():
        folder = path.rpartition("templates/")[0]
        rows += [
            Undecided(path, line, (A_FILE,)) for line, name in blocks.files if folder + name not in templates
        ]
    random = {path: is_random(text) for path, text in templates.items() if text != _UNREAD}
    return Doubts(tuple(rows), _has_upgrade(templates.values()), _apis_of(templates.values())[:_MOST], random)


def _taken_apart(text: str, known: "dict[str, Blocks]") -> "Blocks":
    if len(text) > _KNOWN_LENGTH:
        return Blocks(text)
    blocks = known.get(text)
    if blocks is None:
        if len(known) >= _KNOWN:
            known.clear()
        blocks = known[text] = Blocks(text)
    return blocks


def _has_upgrade(texts: Iterable[str]) -> bool:
    return any(("IsUpgrade" in text or "IsInstall" in text) and _NAMES[0][1].search(text) for text in texts)


def _apis_of(texts: Collection[str]) -> tuple[str, ...]:
    if not any(".APIVersions" in text for text in texts):
        return ()
    found = map(_first, _API.findall("\n".join(texts)))
    return tuple(dict.fromkeys(api for api in found if not is_built_in_group(api)))


def open_rows(found: Doubts, *, upgraded: bool, with_apis: bool) -> list[Undecided]:
    """What remains after the renderings of an upgrade and with the APIs: a condition of two such things is in neither."""

    def is_decided(row: Undecided) -> bool:
        if len(row.on) != 1:
            return False
        return upgraded if row.on[0] == _UPGRADE else with_apis and row.on[0].startswith("the API ")

    return [row for row in found.rows if not is_decided(row)][:_MOST]


class _Action(NamedTuple):
    """What is between two pairs of braces, and where these begin and end."""

    start: int
    end: int
    words: str
    is_closed: bool = True


def _actions(text: str) -> Iterator[_Action]:
    """In order, without comments; the last one where the next has no end, which is no template at all."""
    for found in _ACTION.finditer(text):
        start, end = found.span()
        if end - start == len("{{"):
            yield _Action(start, len(text), "", is_closed=False)
            return
        if (words := found[1]) is not None:
            yield _Action(start, end, words.removeprefix("-").removesuffix("-").strip())


class _Block(Struct):
    line: int
    on: tuple[str, ...]
    start: int
    defines: str = ""


class _Body(NamedTuple):
    """Of a named template, whether it holds what matters itself, and which others it includes."""

    matters: bool
    calls: tuple[str, ...]


class _Partials:
    """Which of the named templates hold what matters, themselves or by others that they include."""

    def __init__(self, files: Collection["Blocks"]) -> None:
        self._files = files

    @cached_property
    def _matter(self) -> set[str]:
        bodies = {name: body for blocks in self._files for name, body in blocks.bodies.items()}
        callers: dict[str, list[str]] = {}
        matter = {name for name, body in bodies.items() if body.matters}
        for name, body in bodies.items():
            for called in body.calls:
                callers.setdefault(called, []).append(name)
        left = list(matter)
        while left:
            for caller in callers.get(left.pop(), ()):
                if caller not in matter:
                    matter.add(caller)
                    left.append(caller)
        return matter

    def matter(self, name: str) -> bool:
        return name in self._matter


class Blocks:
    """One template taken apart."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._defined: dict[str, str] = {}
        self._defined_left = _DEFINED_BYTES
        self._found: list[tuple[int, tuple[str, ...], int, int]] = []
        """Line, what it depends on, and where its branches begin and end."""
        self._certain: list[tuple[int, tuple[str, ...]]] = []
        """Line and what it depends on, of what matters whatever it holds."""
        self._tainted: dict[str, tuple[str, ...]] = {}
        self._of_files: dict[str, tuple[str, ...]] = {}
        self.files: list[tuple[int, str]] = []
        """Line and name of each file of the chart that is rendered as a template; empty where the name is worked out."""
        self._may_depend = any(sign in text for sign in _SIGNS)
        names_something = self._may_depend or any(word in text for word in ("define", "block", ".Files."))
        if names_something or text.count("{{") > _MOST_ACTIONS:
            self._read()
        elif not _IS_CLOSED.fullmatch(text):
            self._certain.append((1, (TOO_MUCH,)))

    def undecided(self, path: str, partials: _Partials) -> Iterator[Undecided]:
        rows = list(self._certain)
        # Most templates depend on nothing else than values, and need not be searched.
        places = sorted(self._places_of(partials)) if self._found else []
        for line, on, start, end in self._found:
            at = bisect_right(places, start)
            if at < len(places) and places[at] <= end:
                rows.append((line, on))
        for line, on in sorted(rows):
            yield Undecided(path, line, on)

    def _places_of(self, partials: _Partials) -> Iterator[int]:
        """Where what matters ends, here or in what is included."""
        yield from self._ends
        yield from (end for end, called in self._calls if partials.matter(called))

    @cached_property
    def bodies(self) -> dict[str, _Body]:
        """Of the templates that are named here, by name."""
        return {
            name: _Body(bool(_MATTERS.search(text)), tuple(map(_first, _CALLED.findall(text))))
            for name, text in self._defined.items()
        }

    @cached_property
    def _ends(self) -> list[int]:
        return [found.end() for found in _MATTERS.finditer(self._text)]

    @cached_property
    def _calls(self) -> list[tuple[int, str]]:
        return [(found.end(), _first(found.groups())) for found in _CALLED.finditer(self._text)]

    def _read(self) -> None:
        stack: list[_Block] = []
        line, counted = 1, 0
        for number, action in enumerate(_actions(self._text)):
            words = action.words
            if number >= _MOST_ACTIONS or not action.is_closed:
                self._certain.append((1, (TOO_MUCH,)))
                return
            line += self._text.count("\n", counted, action.start)
            counted = action.start
            assigned = _ASSIGNED.match(words)
            if assigned and (on := self._depends(words[assigned.end() :])):
                self._tainted[assigned[1]] = on
            if ".Files." in words or self._of_files:
                files = self._files_of(words)
                if files and _TPL.search(words):
                    self.files += [(line, name) for name in files]
                elif files and assigned:
                    self._of_files[assigned[1]] = files
            control = _CONTROL.match(words)
            if control is None:
                self._take_value(action, line)
            elif control[1] == "end":
                if stack:
                    self._close(stack.pop(), action.start)
            elif control[1].startswith("else"):
                if stack and (on := self._depends(words[control.end() :])):
                    stack[-1].on = tuple(dict.fromkeys((*stack[-1].on, *on)))
            else:
                names = _TEXT.search(words) if control[1] in ("define", "block") else None
                on = () if control[1] in ("define", "block") else self._depends(words[control.end() :])
                stack.append(_Block(line, on, action.end, _first(names.groups()) if names else ""))

    def _files_of(self, words: str) -> tuple[str, ...]:
        """The files of the chart whose text ``words`` take; one without a name where that is worked out."""
        held = [self._of_files.get(variable, ()) for variable in _VARIABLE.findall(words)]
        named = _FILE_OF.findall(words)
        unnamed = [""] if words.count(".Files.") > len(named) else []
        return tuple(dict.fromkeys([*named, *unnamed, *(name for names in held for name in names)]))

    def _close(self, block: _Block, end: int) -> None:
        if block.defines:
            self._defined_left -= end - block.start
            if self._defined_left < 0:
                self._certain.append((block.line, (TOO_MUCH,)))
                return
            self._defined[block.defines] = self._text[block.start : end]
        elif block.on:
            self._found.append((block.line, block.on, block.start, end))

    def _take_value(self, action: _Action, line: int) -> None:
        """``privileged: {{ eq (now | date "2006") "2027" }}`` chooses as a branch does."""
        words = action.words
        if not self._tainted and not (self._may_depend and _SIGN.search(words)):
            return
        if _TPL.search(words):
            # What a text that is a template itself depends on, its branches do.
            texts = "\n".join(_first(groups) for groups in _TEXT.findall(words))
            if "{{" in texts and (on := self._depends(texts.replace('\\"', " "))):
                self._certain.append((line, on))
        if not _DECIDES.search(words):
            return
        start = self._text.rfind("\n", 0, action.start) + 1
        before = self._text[start : action.start]
        on = tuple(one for one in self._depends(words) if not one.startswith("the release's"))
        if on and ":" in before and _MATTERS.search(before):
            self._certain.append((line, on))

    def _depends(self, expression: str) -> tuple[str, ...]:
        if not self._tainted and not (self._may_depend and _SIGN.search(expression)):
            return ()
        code = _TEXT.sub('""', expression)
        found = [name for name, pattern in _NAMES if pattern.search(code)]
        # A key may be a text: index .Release "IsUpgrade", index . "Release" "Name".
        if _BY_KEY.search(expression) and not found:
            found.append("the release")
        if _UPGRADE not in found and _NAMES[0][1].search(expression):
            found.append(_UPGRADE)
        if "the release" in found and _UPGRADE in found:
            found.remove("the release")
        apis = [api for api in map(_first, _API.findall(expression)) if not is_built_in_group(api)]
        found += [f"the API {api}" for api in apis[:3]]
        if _CAPABILITIES.search(code):
            found.append("the APIs of the cluster")
        for variable in _VARIABLE.findall(code):
            found += self._tainted.get(variable, ())
        return tuple(dict.fromkeys(found))


def _first(groups: Iterable[str | None]) -> str:
    return next(filter(None, groups), "")


def templates_of(top: Path, chart: str, owned: Iterable[str]) -> dict[str, str]:
    """The text of every template of the chart at ``chart`` below ``top``, by path; those in archives within it too.

    ``owned``: paths of the chart's files.
    """
    found: dict[str, str] = {}
    left = _ALL_BYTES
    boundary = boundary_of(str(top) or ".")
    packed = [chart] if chart.endswith(".tgz") else []
    wanted = []
    for path in owned:
        if path.endswith(".tgz"):
            packed.append(path)
        elif "templates/" in path:
            wanted.append(path)
    for path in boundary.held(str(top), wanted):
        try:
            content = read_regular(f"{top}/{path}", _FILE_BYTES + 1) if left > 0 else b""
        except OSError:
            continue  # the plain reader and the engine name it
        found[path] = _text_of(content) if left > 0 else _UNREAD
        left -= len(found[path])
    for path in packed:
        if left > 0 and boundary.holds(top / path):
            more = _packed(top / path, path, left)
            left -= sum(map(len, more.values()))
            found |= more
    for path, text in list(found.items()):
        for name in _FILE_OF.findall(text) if _TPL.search(text) else ():
            file = f"{path.rpartition('templates/')[0]}{name}"
            if left > 0 and file not in found and ".tgz" not in file and boundary.holds(top / file):
                try:
                    found[file] = _text_of(read_regular(top / file, _FILE_BYTES + 1))
                    left -= len(found[file])
                except OSError:
                    continue  # it is named where it is asked for
    return found


def _text_of(content: bytes) -> str:
    return content.decode("utf-8", "replace") if len(content) <= _FILE_BYTES else _UNREAD


def _packed(archive: Path, shown: str, left: int) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        with open_regular(archive) as file, tarfile.open(fileobj=file, mode="r:gz") as members:
            for number, member in enumerate(members):
                if number >= _MEMBERS or left <= 0:
                    found[shown] = _UNREAD
                    break
                content = (
                    members.extractfile(member) if member.isfile() and "/templates/" in member.name else None
                )
                if content is not None:
                    text = _text_of(content.read(_FILE_BYTES + 1))
                    left -= len(text)
                    found[os.path.join(shown, member.name.partition("/")[2])] = text  # noqa: PTH118
    except (OSError, tarfile.TarError, EOFError, ValueError):
        return found  # the engine says what is wrong with it
    return found
