"""In which namespaces a user may list a kind, where the whole cluster is refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from leadline.sources.cluster.connection import Cluster, RefusedError
from leadline.sources.cluster.discovery import THREADS, ApiKind
from leadline.untyped import mapping, mappings, text

_PAGE = 500
MOST_NAMESPACES = 2_000
"""Asked one by one."""


class Readable(Struct, frozen=True):
    namespaces: tuple[str, ...]
    """Sorted; empty where the kind may be listed in all at once, or in none."""
    known: int = 0
    """Namespaces that there are; 0 where the user may not list them, or all may be read."""


def readable_namespaces(cluster: Cluster, kind: ApiKind) -> Readable:
    """Where objects of ``kind`` may be listed, found out by listing one of them.

    Raises: ``ClusterError`` for anything but a refusal.
    """
    if _may_list(cluster, kind, ""):
        return Readable(())
    try:
        names = sorted(_namespaces(cluster))
    except RefusedError:
        return Readable((cluster.namespace,) if _may_list(cluster, kind, cluster.namespace) else ())
    with ThreadPoolExecutor(THREADS) as pool:
        asked = names[:MOST_NAMESPACES]
        answers = pool.map(lambda name: _may_list(cluster, kind, name), asked)
        return Readable(tuple(name for name, may in zip(asked, answers, strict=True) if may), len(names))


def _may_list(cluster: Cluster, kind: ApiKind, namespace: str) -> bool:
    try:
        cluster.ask(kind.path(namespace), {"limit": "1"})
    except RefusedError as refused:
        if refused.status in (401, 403):
            return False
        raise
    return True


def _namespaces(cluster: Cluster) -> Iterator[str]:
    token = ""
    while True:
        page = mapping(
            cluster.ask("/api/v1/namespaces", {"limit": str(_PAGE), **({"continue": token} if token else {})})
        )
        yield from (text(mapping(one.get("metadata")).get("name")) for one in mappings(page.get("items")))
        before, token = token, text(mapping(page.get("metadata")).get("continue"))
        if not token or token == before:
            return
