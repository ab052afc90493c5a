"""The written forms of an object's id that reports, dashboards and stored results share.

Source: the resource ids of the version 2 JSON report that the ecosystem's tools read.
"""

from collections.abc import Iterable
from functools import lru_cache


def object_id(api_version: str, namespace: str, kind: str, name: str) -> str:
    """``group/version/namespace/Kind/name``; the core group leaves a leading slash."""
    version = api_version if "/" in api_version else "/" + api_version
    return f"{version}/{namespace}/{kind}/{name}"


def file_id(source_path: str, plain: str) -> str:
    """``path=HASH/api=OBJECT``, where the hash keeps two objects of one name in two files apart."""
    return f"path={fnv1a_32(source_path)}/api={plain}"


def subject_id(related: Iterable[str], api_group: str, namespace: str, kind: str, name: str) -> str:
    """The id of an RBAC subject: the sorted ids of binding and role, then its own, joined by slashes."""
    return "/".join([*sorted(related), f"{api_group}/{namespace}/{kind}/{name}"])


@lru_cache(maxsize=4096)
def fnv1a_32(text: str) -> int:
    """FNV-1a over the UTF-8 bytes of ``text`` (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    value = 2166136261
    for byte in text.encode("utf-8", "surrogatepass"):
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
