"""Addresses of files as code hosts understand them: relative to the top of the repository."""

from functools import lru_cache
from urllib.parse import quote


@lru_cache(maxsize=4096)
def uri_of(file: str, folder: str, root: str = "") -> str:
    """``file`` relative to ``root`` where it lies below it, else as a ``file:`` address; percent-encoded.

    ``folder`` is the absolute one that ``file`` is relative to; it replaces an empty ``root``.
    """
    if file == "-":
        return "stdin"
    absolute, top = _absolute(file, folder), _slashes(root or folder)
    if absolute.startswith(f"{top}/"):
        return _quoted(absolute[len(top) + 1 :])
    return f"file://{'' if absolute.startswith('/') else '/'}{_quoted(absolute, keep=':')}"


@lru_cache(maxsize=4096)
def path_of(file: str, folder: str, root: str = "") -> str:
    """``file`` relative to ``root`` where it lies below it, else as it is, with forward slashes."""
    absolute, top = _absolute(file, folder), _slashes(root or folder)
    return absolute[len(top) + 1 :] if absolute.startswith(f"{top}/") else file.replace("\\", "/")


def _absolute(file: str, folder: str) -> str:
    file = file.replace("\\", "/")
    absolute = file if _is_absolute(file) else f"{_slashes(folder)}/{file}"
    parts: list[str] = []
    for part in absolute.split("/"):
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part not in (".", "..") and (part or not parts):
            parts.append(part)
    return "/".join(parts)


def _slashes(folder: str) -> str:
    return folder.replace("\\", "/").rstrip("/")


def _is_absolute(file: str) -> bool:
    return file.startswith("/") or (len(file) > 2 and file[0].isalpha() and file[1:3] == ":/")


def _quoted(path: str, keep: str = "") -> str:
    return quote(path, safe="/" + keep, errors="replace")
