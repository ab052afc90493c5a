"""What of a chart's templates depends on things that no values decide: an upgrade, the time, chance, the cluster.

A chart that shows a privileged pod on an upgrade alone, or from next year on, renders to nothing of it here. Upgrades, and the APIs
that a template asks the cluster for, are rendered as well; what then remains is named by its line.

The text of templates is read without an engine (https://pkg.go.dev/text/template): blocks, and what their conditions name.
"""

import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from leadline.sources.boundary import boundary_of
from leadline.sources.regular_file import open_regular, read_regular

_FILE_BYTES = 1 << 20
_ALL_BYTES = 32 << 20
_MEMBERS = 5_000
_MOST = 50
"""Places that are named of one chart, and APIs that it is rendered with."""
_DEEPEST = 20
_MOST_ACTIONS = 20_000
"""Of one file."""
_ACTION = re.compile(
    r"\{\{-?\s*(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^\"`}]|\}(?!\}))*?)\s*-?\}\}", re.DOTALL
)
_TEXT = re.compile(r"\"((?:\\.|[^\"\\])*)\"|`([^`]*)`")
_CONTROL = re.compile(r"(if|else if|else with|else|with|range|define|block|end)\b")
_ASSIGNED = re.compile(r"(\$[A-Za-z_]\w*)\s*:?=\s*(?=[^=])")
_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_API = re.compile(r"\.APIVersions\.Has\s+[(\s]*(?:\"([^\"]+)\"|`([^`]+)`)")
_CALLED = re.compile(r"\b(?:include|template)\s+[(\s]*(?:\"([^\"]+)\"|`([^`]+)`)")
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
_BY_KEY = re.compile(r"[\"`](?:Release|Capabilities)[\"`]")
_CAPABILITIES = re.compile(r"\.Capabilities(?!\.(?:KubeVersion|HelmVersion|APIVersions\.Has\s))")
_MATTERS = re.compile(
    r"(?m)^\s*(?:- )?[\"']?(?:kind|containers|initContainers|ephemeralContainers|image|command|args|env|securityContext|privileged"
    r"|capabilities|add|runAsUser|runAsNonRoot|allowPrivilegeEscalation|readOnlyRootFilesystem|seccompProfile|procMount|sysctls"
    r"|hostPID|hostIPC|hostNetwork|hostPath|hostPort|hostUsers|volumes|volumeMounts|nodeName|serviceAccountName|serviceAccount"
    r"|automountServiceAccountToken|rules|verbs|resources|roleRef|subjects|ingress|egress|podSelector|webhooks|failurePolicy"
    r"|externalIPs|type|policyTypes)[\"']?\s*:|\b(?:toYaml|tpl|toJson|toRawJson|fromYaml|\.Files\.)"
)
"""An object, a field that controls look at, or text that comes from elsewhere."""


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


def doubts(templates: Mapping[str, str]) -> Doubts:
    """What of ``templates``, text by path, no values decide."""
    every = "\n".join(templates.values())
    apis = tuple(dict.fromkeys(api for api in map(_first, _API.findall(every)) if not is_built_in_group(api)))
    partials: dict[str, str] = {}
    files = {path: _Blocks(text) for path, text in templates.items()}
    for blocks in files.values():
        partials |= blocks.defined
    rows = [row for path, blocks in files.items() for row in blocks.undecided(path, partials)]
    has_upgrade = bool(_NAMES[0][1].search(every))
    return Doubts(tuple(rows), has_upgrade, apis[:_MOST])


def open_rows(found: Doubts, *, upgraded: bool, with_apis: bool) -> list[Undecided]:
    """What remains after the renderings of an upgrade and with the APIs: a condition of two such things is in neither."""

    def is_decided(row: Undecided) -> bool:
        if len(row.on) != 1:
            return False
        return upgraded if row.on[0] == _UPGRADE else with_apis and row.on[0].startswith("the API ")

    return [row for row in found.rows if not is_decided(row)][:_MOST]


class _Block(Struct):
    line: int
    on: tuple[str, ...]
    start: int
    defines: str = ""


class _Blocks:
    """One template taken apart."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.defined: dict[str, str] = {}
        self._found: list[tuple[int, tuple[str, ...], str]] = []
        """Line, what it depends on, and the text of its branches."""
        self._tainted: dict[str, tuple[str, ...]] = {}
        self._read()

    def undecided(self, path: str, partials: Mapping[str, str]) -> Iterator[Undecided]:
        for line, on, body in self._found:
            if _matters(body, partials, set()):
                yield Undecided(path, line, on)

    def _read(self) -> None:
        stack: list[_Block] = []
        for number, action in enumerate(_ACTION.finditer(self._text)):
            if number >= _MOST_ACTIONS:
                self._found.append((1, ("more than can be read of it",), "kind:"))
                return
            words = action[1].strip()
            if words.startswith("/*"):
                continue
            assigned = _ASSIGNED.match(words)
            if assigned and (on := self._depends(words[assigned.end() :])):
                self._tainted[assigned[1]] = on
            control = _CONTROL.match(words)
            if control is None:
                self._take_value(action, words)
            elif control[1] == "end":
                if stack:
                    self._close(stack.pop(), action.start())
            elif control[1].startswith("else"):
                if stack and (on := self._depends(words[control.end() :])):
                    stack[-1].on = tuple(dict.fromkeys((*stack[-1].on, *on)))
            else:
                names = _TEXT.search(words) if control[1] in ("define", "block") else None
                on = () if control[1] in ("define", "block") else self._depends(words[control.end() :])
                line = self._text.count("\n", 0, action.start()) + 1
                stack.append(_Block(line, on, action.end(), _first(names.groups()) if names else ""))

    def _close(self, block: _Block, end: int) -> None:
        body = self._text[block.start : end]
        if block.defines:
            self.defined[block.defines] = body
        elif block.on:
            self._found.append((block.line, block.on, body))

    def _take_value(self, action: "re.Match[str]", words: str) -> None:
        """``privileged: {{ eq (now | date "2006") "2027" }}`` chooses as a branch does."""
        if re.search(r"\btpl\b", words):
            # What a text that is a template itself depends on, its branches do.
            texts = "\n".join(_first(groups) for groups in _TEXT.findall(words))
            if "{{" in texts and (on := self._depends(texts.replace('\\"', " "))):
                self._found.append((self._text.count("\n", 0, action.start()) + 1, on, texts + "\ntoYaml"))
        if not _DECIDES.search(words):
            return
        start = self._text.rfind("\n", 0, action.start()) + 1
        before = self._text[start : action.start()]
        on = tuple(one for one in self._depends(words) if not one.startswith("the release's"))
        if on and ":" in before and _MATTERS.search(before):
            self._found.append((self._text.count("\n", 0, start) + 1, on, before))

    def _depends(self, expression: str) -> tuple[str, ...]:
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


def _matters(body: str, partials: Mapping[str, str], seen: set[str]) -> bool:
    if _MATTERS.search(body):
        return True
    for name in map(_first, _CALLED.findall(body)):
        if name not in seen and len(seen) < _DEEPEST:
            seen.add(name)
            if _matters(partials.get(name, ""), partials, seen):
                return True
    return False


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
    for path in owned:
        if path.endswith(".tgz"):
            packed.append(path)
        elif "templates/" in path and left > 0:
            try:
                if boundary.holds(top / path):
                    found[path] = read_regular(top / path, _FILE_BYTES).decode("utf-8", "replace")
                    left -= len(found[path])
            except OSError:
                continue  # the plain reader and the engine name it
    for path in packed:
        if left > 0 and boundary.holds(top / path):
            more = _packed(top / path, path, left)
            left -= sum(map(len, more.values()))
            found |= more
    return found


def _packed(archive: Path, shown: str, left: int) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        with open_regular(archive) as file, tarfile.open(fileobj=file, mode="r:gz") as members:
            for number, member in enumerate(members):
                if number >= _MEMBERS or left <= 0:
                    break
                content = (
                    members.extractfile(member) if member.isfile() and "/templates/" in member.name else None
                )
                if content is not None:
                    text = content.read(_FILE_BYTES).decode("utf-8", "replace")
                    left -= len(text)
                    found[os.path.join(shown, member.name.partition("/")[2])] = text  # noqa: PTH118
    except (OSError, tarfile.TarError, EOFError, ValueError):
        return found  # the engine says what is wrong with it
    return found
