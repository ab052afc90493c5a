"""The written forms of an object's id that reports, dashboards and stored results share.

Source: the resource ids of the version 2 JSON report that the ecosystem's tools read.
"""

from collections.abc import Iterable
from functools import lru_cache


def object_id(api_version: str, namespace: str, kind: str, name: str) -> str:
    """``group/version/namespace/Kind/name``; the core group leaves a leading slash."""
    version = api_version if "/" in api_version else "/" + api_version
    return f"{version}/{namespace}/{kind}/{name}"


def file_id(file: str, within: str, plain: str) -> str:
    """``path=HASH/api=OBJECT``, where the hash keeps two objects of one name in two places apart.

    ``within`` is the place in the file, ``:0``, and goes into the hash after ``file``.
    """
    return f"path={_fnv1a_32(within.encode('utf-8', 'surrogatepass'), _hash_of(file))}/api={plain}"


def subject_id(related: Iterable[str], api_group: str, namespace: str, kind: str, name: str) -> str:
    """The id of an RBAC subject: those of binding and role and its own, sorted and joined by slashes."""
    return "/".join(sorted([*related, f"{api_group}/{namespace}/{kind}/{name}"]))


def fnv1a_32(text: str) -> int:
    """FNV-1a over the UTF-8 bytes of ``text`` (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    return _fnv1a_32(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=4096)
def _hash_of(file: str) -> int:
    """Worked out once for the many objects of a file."""
    return fnv1a_32(file)


def _fnv1a_32(content: bytes, value: int = 2166136261) -> int:
    for byte in content:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
