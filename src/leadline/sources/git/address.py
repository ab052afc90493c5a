"""The many ways to write down a git repository, taken apart: where it is, which revision, which folder.

Forms that are understood: ``https://``, ``http://``, ``ssh://``, ``git://`` and ``file://`` addresses,
``user@host:path``, each with ``@REVISION``, ``#REVISION`` or ``?ref=REVISION`` behind it and ``//FOLDER`` within
(in a URL a blank in its name is ``%20``);
the addresses that GitHub, GitLab, Bitbucket and Azure show in a browser.
"""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit

from msgspec import Struct

from leadline.errors import UsageError

SCHEMES = ("https", "http", "ssh", "git", "file")

_SCP = re.compile(r"^(?P<user>[A-Za-z0-9_][\w.-]*)@(?P<host>[A-Za-z0-9][\w.-]*):(?!//)(?P<path>[^\s]+)$")
_SCHEME = re.compile(r"^(?:git::)?(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_TRANSPORT = re.compile(r"^(?P<name>[a-z0-9]+)::", re.IGNORECASE)
_BROWSER_PAGES = (
    re.compile(r"^(?P<path>/.+?)/-/(?:tree|blob)/(?P<rest>.+)$"),
    re.compile(r"^(?P<path>/[^/]+/[^/]+)/(?:tree|blob|src)/(?P<rest>.+)$"),
)
_REVISION_AT = re.compile(r"^(?P<path>.*[^/])@(?P<revision>[^@:]+)$")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_NO_NAME = re.compile(r"[\x00-\x1f\x7f]")
_AZURE_PREFIXES = ("GB", "GT", "GC")


class GitAddress(Struct, frozen=True):
    url: str
    """What git is given; it may hold credentials."""
    shown: str
    """The same without credentials."""
    host: str = ""
    revision: str = ""
    """A branch, a tag or a commit; empty for the default branch."""
    folder: str = ""
    """Below the top of the repository, without slashes at its ends."""
    tail: str = ""
    """Of a browser's address: revision and folder in one, to be distinguished by what the repository has."""


def is_git_address(text: str) -> bool:
    """Whether ``text`` is meant to be an address rather than a path."""
    return bool(_SCHEME.match(text) or _TRANSPORT.match(text) or _SCP.match(text))


def git_address(text: str) -> GitAddress:
    """``text`` taken apart.

    Raises:
        UsageError: it is not an address that may be fetched.
    """
    if text.startswith("-") or _CONTROL.search(text):
        raise UsageError("invalid git address", hint="it begins with '-' or holds blanks")
    plain = text.removeprefix("git::")
    if transport := _TRANSPORT.match(plain):
        raise UsageError(
            f"git's transport {transport['name']} is not allowed", hint=f"use one of {', '.join(SCHEMES)}"
        )
    if scp := _SCP.match(plain):
        return _scp_address(scp)
    try:
        parts = urlsplit(plain)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"invalid git address: {str(error).lower()}") from error
    if parts.scheme.lower() not in SCHEMES:
        raise UsageError(
            f"{parts.scheme or 'that'}:// is not a git address", hint=f"use one of {', '.join(SCHEMES)}"
        )
    if host.startswith("-") or (parts.username or "").startswith("-"):
        raise UsageError("invalid git address", hint="its host begins with '-'")
    return _url_address(parts, host)


def _scp_address(match: re.Match[str]) -> GitAddress:
    path, revision = _split_revision(match["path"])
    path, _, folder = path.partition("//")
    if path.startswith("-"):
        raise UsageError("invalid git address", hint="its path begins with '-'")
    url = f"{match['user']}@{match['host']}:{path}"
    return GitAddress(url, url, match["host"], _checked_revision(revision), _checked_folder(folder))


def _url_address(parts: SplitResult, host: str) -> GitAddress:
    query = parse_qs(parts.query)
    path, revision = parts.path, unquote(parts.fragment) or query.get("ref", [""])[0]
    folder = query.get("path", [""])[0]
    tail = ""
    if "_git/" in path and (version := query.get("version", [""])[0]):
        revision = version[2:] if version[:2] in _AZURE_PREFIXES else version
    for page in _BROWSER_PAGES if parts.scheme in ("http", "https") else ():
        if found := page.match(path):
            path, tail = found["path"], unquote(found["rest"])
            break
    if not revision and not tail:
        path, revision = _split_revision(path)
    start = path.find("//", 1)
    if start > 0:
        path, folder = path[:start], unquote(path[start:])
    path = path.rstrip("/")
    if path in ("", "/"):
        raise UsageError(f"{host or 'the address'} names no repository", hint="add its path")
    port = f":{parts.port}" if parts.port else ""
    bare = f"[{host}]" if ":" in host else host
    # Of the user's name and password only the name of ssh is no secret.
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    shown = urlunsplit((parts.scheme, f"{user}{bare}{port}", path, "", ""))
    url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return GitAddress(
        url, shown, host, _checked_revision(revision), _checked_folder(folder), _checked_folder(tail)
    )


def _split_revision(path: str) -> tuple[str, str]:
    before, mark, revision = path.partition("#")
    if mark:
        return before, revision
    before, mark, query = path.partition("?")
    if mark:
        return before, parse_qs(query).get("ref", [""])[0]
    found = _REVISION_AT.match(path)
    return (found["path"], found["revision"]) if found else (path, "")


def _checked_revision(revision: str) -> str:
    if revision.startswith("-") or ".." in revision or re.search(r"[\s~^:?*\[\\]|@\{", revision):
        raise UsageError(f"{revision!r} is not a branch, tag or commit")
    return revision


def _checked_folder(folder: str) -> str:
    if _NO_NAME.search(folder):
        raise UsageError("invalid git address", hint="a folder's name in it holds control characters")
    steps = [step for step in folder.split("/") if step not in ("", ".")]
    if ".." in steps:
        raise UsageError(f"the folder {folder} leaves the repository")
    return "/".join(steps)
