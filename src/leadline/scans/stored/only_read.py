"""A store that is read and never written, whatever it is kept in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from leadline.api.protocol import Changes, Entry, Page, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import ClusterError, SourceError, StoreError, UsageError

KUBE = "kube"


class _Readable(Protocol):
    @property
    def revision(self) -> int: ...

    async def get(self, key: Key) -> Entry | None: ...

    async def list(self, selection: Selection, paging: Paging) -> Page: ...

    async def close(self) -> None: ...


class OnlyRead:
    """``get`` and ``list`` of a store; everything else that a store does is refused. Raises: ``StoreError``."""

    def __init__(self, store: _Readable) -> None:
        self._store = store

    @property
    def revision(self) -> int:
        return self._store.revision

    async def get(self, key: Key) -> Entry | None:
        return await self._store.get(key)

    async def list(self, selection: Selection, paging: Paging) -> Page:
        return await self._store.list(selection, paging)

    async def put(self, put: Put) -> Entry:
        raise StoreError(_REFUSED)

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        raise StoreError(_REFUSED)

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        raise StoreError(_REFUSED)

    def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        raise StoreError(_REFUSED)

    async def close(self) -> None:
        await self._store.close()


_REFUSED = "this store is opened to be read"


@asynccontextmanager
async def only_read(
    where: str, kubeconfig: str, environ: Mapping[str, str], *, asks: bool = True
) -> AsyncIterator[OnlyRead]:
    """The store in a file, or for ``kube`` the one that a cluster serves.

    ``asks``: whether the cluster is asked first if the account may do more than read results, which is refused.

    Raises: ``UsageError`` for such an account, ``SourceError``, ``StoreError``, ``ClusterError``.
    """
    readable: _Readable
    if where == KUBE:
        from leadline.api.carriers.remote import RemoteStore
        from leadline.sources.cluster.connection import async_client

        client = async_client("", kubeconfig, environ=environ)
        readable = RemoteStore(client)
        if asks:
            try:
                await _refuse_more(client.post)
            except BaseException:
                await readable.close()
                raise
    else:
        from leadline.api.carriers.local_reading import LocalReader

        if not Path(where).is_file():
            raise SourceError(f"no such store: {where}", hint="a scan that stores its results makes one")
        readable = LocalReader(Path(where))
    try:
        yield OnlyRead(readable)
    finally:
        await readable.close()


_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_TOO_MUCH = (
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "pods"),
    ("create", "", "serviceaccounts/token"),
    ("patch", "apps", "deployments"),
    ("impersonate", "", "users"),
)
"""Verb, group and resource of rights in the whole cluster by which an account is known to be a person's or an operator's."""


async def _refuse_more(post: Callable[..., Awaitable[Any]]) -> None:
    """Source: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/."""
    for verb, group, resource in _TOO_MUCH:
        plural, _, subresource = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = await post(_REVIEWS, json=review)
        status = answer.json().get("status") if answer.status_code in (200, 201) else None
        if not isinstance(status, dict):
            raise ClusterError("the cluster does not say what this account may do")
        if status.get("allowed") is not False:
            raise UsageError(
                f"this account may {verb} {resource}", hint="use one that may only get and list results"
            )
