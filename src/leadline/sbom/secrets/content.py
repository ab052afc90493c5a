"""Credentials in small text files of any name: a service account in ``main.py``, a token in ``config.yaml``.

Only what has a form of its own is sought, since everything has words like "password" in it. The folders that packages fill are
passed over, which is most of an image: what is there everyone has who installs the package. How much that is, reports say.
"""

from collections.abc import Iterator

from leadline.packages.late_pattern import late_pattern
from leadline.sbom.secrets.patterns import FORMS, Form, named_kind, pairs, pattern_of
from leadline.sbom.secrets.scan import MOST_PER_FILE, is_sample

LARGEST_BYTES = 256 << 10
_TEXT_HEAD = 1024
_FILLED = (
    *("bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/", "boot/", "dev/", "proc/", "sys/", "nix/store/"),
    *("usr/bin/", "usr/sbin/", "usr/lib/", "usr/lib32/", "usr/lib64/", "usr/libx32/", "usr/libexec/"),
    *("usr/include/", "usr/share/", "usr/games/", "usr/local/go/", "usr/local/include/", "usr/local/share/"),
    *("usr/local/lib/", "etc/ssl/", "etc/pki/", "etc/alternatives/", "var/lib/dpkg/", "var/lib/apt/"),
    *("var/lib/rpm/", "var/cache/", "opt/java/", "opt/conda/", "opt/yarn-v1.22.22/"),
)
_NOT_FILLED = ("usr/share/nginx/html", "usr/local/share/app")
_SETTINGS = late_pattern(
    r"(?:config|settings|application(?:-\w+)?|appsettings(?:\.\w+)?|bootstrap)\.(?:ya?ml|json|properties|toml|ini|conf)\Z"
)
_LEFT_TO_NAMES = ("password", "authorization header", "signed token", "npm token", "private key")
"""Forms that documentation and code are full of; in files whose names announce a credential they are sought all the same."""
_PRIVATE_KEY = Form(
    "private key",
    ("private key",),
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|\s|[\"'+]){1,20}"
    r"(?:[A-Za-z-]{4,20}: [^\n\\]{1,80}(?:\\n|\s){1,4}){0,4}[A-Za-z0-9+/]{40}",
)
_NPM = Form("npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b")
_ADDRESS = "password in an address"
_SOUGHT = (*(form for form in FORMS if form.is_token and form.kind not in _LEFT_TO_NAMES), _PRIVATE_KEY, _NPM)
_MARKS = tuple((mark.encode(), form) for form in _SOUGHT if form.kind != _ADDRESS for mark in form.marks)
_OF_ADDRESS = next(form for form in FORMS if form.kind == _ADDRESS)
_LIKE_ADDRESS = late_pattern(rb"://[^\s:/@'\"$<{%]{0,320}:[^\s:/@'\"${<*%]")
"""In whatever has a password in an address: lock files are full of addresses, and of packages with an ``@``."""
_EXAMPLE = late_pattern(
    r"(?i)example|sample|dummy|placeholder|changeme|redacted|(?:x{4}|\*{4}|0{8}|1234567|abcdefg)|\.{3}"
)
_EXAMPLE_ADDRESS = late_pattern(
    r"(?i)://[^:]*:(?:p(?:ass)?(?:w(?:or)?d)?|secret|pwd|test|user|bar|foo|token|key|\d{1,5}|.{0,40}(?:pass|password|secret)>?)@"
    r"|@(?:localhost|127\.|\[::1|[\w.-]*(?:example|test|invalid|local|foo|host(?:name)?|domain|server|proxy)\b)"
)


def is_searched(folder: str) -> bool:
    """Whether files directly in ``folder`` are looked into."""
    if folder.startswith(_NOT_FILLED):
        return True
    return not f"{folder}/".startswith(_FILLED) and not is_sample(f"{folder}/x")


def is_open_below(folder: str) -> bool:
    """Whether files below ``folder`` are looked into although those in it are not."""
    return any(one.startswith(f"{folder}/") for one in _NOT_FILLED)


def tokens_in(path: str, content: bytes) -> Iterator[str]:
    """Kind and line of every credential in ``content``: ``GitHub token in line 3``."""
    if b"\0" in content[:_TEXT_HEAD]:
        return
    by_line: dict[int, str] = {}
    for number, kind in _found(path, content):
        by_line.setdefault(number, kind)
    for count, (number, kind) in enumerate(sorted(by_line.items())):
        if count == MOST_PER_FILE:
            yield f"more from line {number} on"
            return
        yield f"{kind} in line {number}"


def _found(path: str, content: bytes) -> Iterator[tuple[int, str]]:
    folded = content.lower()
    forms = dict.fromkeys(form for mark, form in _MARKS if mark in folded)
    if b"://" in folded and b"@" in folded and _LIKE_ADDRESS.search(content):
        forms[_OF_ADDRESS] = None
    name = path.rpartition("/")[2]
    is_settings = _SETTINGS.match(name) is not None and not path.startswith("etc/")
    if not forms and not is_settings:
        return
    text = content.decode("utf-8", "replace")
    for form in forms:
        yield from _of_form(form, text)
    for number, line in enumerate(text.split("\n"), 1) if is_settings else ():
        if line.lstrip()[:1] not in ("#", ";", "/") and "{{" not in line:
            yield from ((number, kind) for pair in pairs(line) if (kind := named_kind(*pair)))


def _of_form(form: Form, text: str) -> Iterator[tuple[int, str]]:
    for match in pattern_of(form).finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        around = text[start : end if end >= 0 else len(text)][:2_000]
        if form.kind == _ADDRESS:
            is_example = bool(_EXAMPLE_ADDRESS.search(around)) or around.lstrip().startswith(("#", "//", "*"))
        else:
            is_example = form is not _PRIVATE_KEY and bool(_EXAMPLE.search(match[0]))
        if not is_example:
            yield text.count("\n", 0, match.start()) + 1, form.kind
