"""Lists one kind, page by page, to the end or to an honest account of how far it came.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder

from leadline.errors import ClusterError
from leadline.model.unread import AccessRule, Unread
from leadline.sources.cluster.connection import Cluster, LostError, RefusedError, TooLargeError
from leadline.sources.cluster.discovery import ApiKind
from leadline.sources.cluster.rbac import missing_rule
from leadline.untyped import MALFORMED, mapping, text

NO_JSON = "the answer is not JSON"

PAGE = 500
FEW_NAMESPACES = 10
"""Up to here each namespace is listed by itself; beyond, everything is listed once where that is allowed."""
MAX_OBJECTS = 2_000_000
"""Of one kind; a server that pages on without an end is not followed."""


class Progress(Struct, frozen=True):
    """How far the reading of one kind has come."""

    kind: str
    """``pods``, ``deployments.apps``."""
    read: int
    """Objects of this kind so far."""
    remaining: int = 0
    """The server's estimate; 0 where it gives none."""
    waiting_s: float = 0.0
    """The wait that begins now; 0 while reading."""
    why: str = ""
    """Why it waits."""


OnProgress = Callable[[Progress], None]
"""Called from several threads, one call at a time."""

Keep = Callable[[dict[str, Any]], bool]
"""Cuts an object down in place and says whether it stays."""


class Scope(Struct, frozen=True):
    """The namespaces to read; empty ``included`` means all."""

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def covers(self, namespace: str) -> bool:
        return namespace not in self.excluded and (not self.included or namespace in self.included)


class Listing(Struct, frozen=True):
    """What came of listing one kind."""

    kind: ApiKind
    items: tuple[dict[str, Any], ...]
    read: int
    """Objects that the server sent, kept or not."""
    unread: tuple[Unread, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    """For each namespace that was listed by itself (empty for all at once): where to watch from."""

    @property
    def is_forbidden(self) -> bool:
        return any(fault.reason == "forbidden" for fault in self.unread)


class Lister(Struct, frozen=True):
    """Lists kinds of one cluster within one scope."""

    cluster: Cluster
    scope: Scope
    on_progress: OnProgress
    max_objects: int = MAX_OBJECTS
    """Of one kind; a server that sends more has no end."""

    def all_of(self, kind: ApiKind, keep: Keep) -> Listing:
        """Every object of ``kind`` within the scope; what could not be listed is in ``unread``."""
        included = self.scope.included
        if not kind.is_namespaced or not included:
            return self._walk(kind, ("",), keep)
        if len(included) > FEW_NAMESPACES:
            whole = self._walk(kind, ("",), keep)
            if not whole.is_forbidden:
                return whole
        return self._walk(kind, included, keep)

    def _walk(self, kind: ApiKind, namespaces: tuple[str, ...], keep: Keep) -> Listing:
        items: list[dict[str, Any]] = []
        unread: list[Unread] = []
        versions: list[tuple[str, str]] = []
        read = 0
        for namespace in namespaces:
            walk = _Walk(self, kind, namespace, keep)
            fault = walk.to_the_end(read)
            items += walk.items
            read += walk.read
            versions.append((namespace, walk.version))
            if fault is not None:
                unread.append(fault)
        return Listing(kind, tuple(items), read, tuple(unread), tuple(versions))


class _Page(Struct):
    """A part of a list. Objects are parsed one by one: all at once they take ten times their text."""

    items: list[Raw] | UnsetType | None = UNSET
    metadata: dict[str, Any] = {}


_page_decoder = Decoder(_Page)


def _page_of(content: bytes) -> _Page:
    """One without items where it is not a list. Raises: ``orjson.JSONDecodeError``."""
    try:
        return _page_decoder.decode(content)
    except MALFORMED:
        orjson.loads(content)
        return _Page()


def parsed(written: Raw) -> Any:
    """One value of a larger answer. Raises: ``LostError``."""
    try:
        return orjson.loads(memoryview(written))
    except orjson.JSONDecodeError as error:
        raise LostError(NO_JSON) from error


class _Walk:
    """One list request after the other, over one kind in one namespace or in all."""

    def __init__(self, lister: Lister, kind: ApiKind, namespace: str, keep: Keep) -> None:
        self.items: list[dict[str, Any]] = []
        self.read = 0
        self.version = ""
        """The resource version of the list."""
        self._lister = lister
        self._kind = kind
        self._namespace = namespace
        self._keep = keep
        self._seen: set[str] = set()
        self._token = ""
        self._page = PAGE
        self._selects = bool(kind.is_namespaced and not namespace and lister.scope.excluded)
        self._has_restarted = False

    def to_the_end(self, before: int) -> Unread | None:
        """Follows the pages; ``None`` once all are read. ``before``: objects of this kind read elsewhere."""
        cluster, on_progress = self._lister.cluster, self._lister.on_progress

        def on_wait(seconds: float, why: str) -> None:
            on_progress(Progress(self._kind.resource, before + self.read, waiting_s=seconds, why=why))

        while True:
            try:
                page: _Page = cluster.ask(
                    self._kind.path(self._namespace), self._params(), on_wait=on_wait, parse=_page_of
                )
                is_list = self._take(page)
            except ClusterError as error:
                if self._recovers(error):
                    continue
                return self._unread_for(error)
            if not is_list:
                return self._unread("the answer is not a list of objects")
            metadata = page.metadata
            self.version = text(metadata.get("resourceVersion")) or self.version
            remaining = metadata.get("remainingItemCount")
            on_progress(
                Progress(
                    self._kind.resource, before + self.read, remaining if isinstance(remaining, int) else 0
                )
            )
            token = text(metadata.get("continue"))
            if not token:
                return None
            if token == self._token or self.read > self._lister.max_objects:
                return self._unread("the server's pages have no end")
            self._token = token

    def _params(self) -> Mapping[str, str]:
        params = {"limit": str(self._page)}
        if self._selects:
            params["fieldSelector"] = ",".join(
                f"metadata.namespace!={name}" for name in self._lister.scope.excluded
            )
        if self._token:
            params["continue"] = self._token
        return params

    def _take(self, page: "_Page") -> bool:
        """Whether it is a list. Raises: ``LostError``."""
        if page.items is UNSET:
            return False
        for written in page.items or ():
            item = parsed(written)
            if not isinstance(item, dict):
                continue
            metadata = mapping(item.get("metadata"))
            uid = text(metadata.get("uid"))
            if uid and uid in self._seen:
                continue
            self._seen.add(uid)
            self.read += 1
            if self._kind.is_namespaced and not self._lister.scope.covers(text(metadata.get("namespace"))):
                continue
            item["apiVersion"], item["kind"] = self._kind.api_version, self._kind.kind
            if self._keep(item):
                self.items.append(item)
        return True

    def _recovers(self, error: ClusterError) -> bool:
        """Whether the walk can continue after ``error``, with other parameters.

        An expired list continues with the token the server gives, or once from its start; what was read stays read.
        """
        if isinstance(error, TooLargeError) and self._page > 1:
            self._page = max(1, self._page // 8)
            return True
        if not isinstance(error, RefusedError):
            return False
        if error.status == 400 and self._selects:
            self._selects = False
            return True
        if error.status != 410 or not self._token:
            return False
        if error.continue_token and error.continue_token != self._token:
            self._token = error.continue_token
            return True
        if self._has_restarted:
            return False
        self._has_restarted = True
        self._token = ""
        return True

    def _unread_for(self, error: ClusterError) -> Unread:
        why = str(error.args[0])
        if isinstance(error, RefusedError) and error.status == 403:
            hint = missing_rule(self._kind)
            if self._kind.is_namespaced and not self._namespace:
                hint += ", or --include-namespaces with those you may list"
            kind = self._kind
            rule = AccessRule(kind.plural, kind.group, self._namespace, kind.is_namespaced)
            return self._unread(f"forbidden: {why.removeprefix(_forbidden_prefix(kind))}", hint, rule)
        return self._unread(why)

    def _unread(self, why: str, hint: str = "", rule: AccessRule | None = None) -> Unread:
        where = (
            f"{self._kind.resource} in namespace {self._namespace}"
            if self._namespace
            else self._kind.resource
        )
        said = f"{why}; {self.read:,} were read before" if self.read else why
        return Unread(where, said, "forbidden" if rule else "unreachable", hint=hint, rule=rule)


def _forbidden_prefix(kind: ApiKind) -> str:
    """How the server's message begins; the rest of it names user and verb."""
    return f"{kind.resource} is forbidden: "
