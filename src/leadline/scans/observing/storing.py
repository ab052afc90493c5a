"""Keeps what the containers of this node did in the store of the cluster, together with what other nodes saw of their replicas."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from leadline.api.carriers.remote import RemoteStore
from leadline.api.protocol import Store
from leadline.errors import StoreError
from leadline.model.profile import Profile
from leadline.scans.stored.behaviour import is_named, store_profile
from leadline.sources.cluster.connection import async_client

AGAIN_S = 600.0
"""So often what did nothing new is written, to say until when it was watched."""
MOST_KNOWN = 8_192
_LISTS = (
    "executed",
    "opened",
    "changed",
    "loaded",
    "mapped",
    "capabilities",
    "syscalls",
    "peers",
    "names",
    "requests",
    "users",
)


class _Written(Struct, frozen=True):
    signature: tuple[object, ...]
    at_s: float
    until_s: float


class ProfileStore:
    """Writes those of containers of pods whose names are known, and of these what is new."""

    def __init__(self, store: Store, learning_s: float) -> None:
        self._store = store
        self._learning_s = learning_s
        self._written: dict[str, _Written] = {}
        self.failures = 0

    async def write(self, profiles: Iterable[Profile], now_s: float) -> int:
        """How many were new. What the store does not take is tried again the next time. Raises: ``StoreError`` of the last."""
        written = 0
        problem: StoreError | None = None
        for profile in profiles:
            if not is_named(profile.container) or not self._is_new(profile, now_s):
                continue
            try:
                await store_profile(self._store, profile, self._learning_s, now_s)
            except StoreError as error:
                self.failures += 1
                problem = error
                continue
            self._written[profile.container.id] = _Written(_signature(profile), now_s, profile.until_s)
            written += 1
        while len(self._written) > MOST_KNOWN:
            del self._written[next(iter(self._written))]
        if problem is not None:
            raise problem
        return written

    async def close(self) -> None:
        await self._store.close()

    def _is_new(self, profile: Profile, now_s: float) -> bool:
        known = self._written.get(profile.container.id)
        if known is None or known.signature != _signature(profile):
            return True
        is_over = now_s - profile.since_s >= self._learning_s > known.at_s - profile.since_s
        return is_over or (profile.until_s > known.until_s and now_s - known.at_s >= AGAIN_S)


def _signature(profile: Profile) -> tuple[object, ...]:
    """Everything of it only grows, so that what is new shows in the numbers."""
    flags = sum(len(one.flags) for one in profile.opened)
    return (profile.completion, profile.reasons, flags, *(len(getattr(profile, name)) for name in _LISTS))


def profile_store(environ: Mapping[str, str], learning_s: float) -> ProfileStore:
    """That of the cluster of this pod, else of the current context. Raises: ``ClusterError``."""
    return ProfileStore(cluster_store(environ), learning_s)


def cluster_store(environ: Mapping[str, str], context: str = "", kubeconfig: str = "") -> Store:
    """That of the cluster of this pod, else as kubectl would. Raises: ``ClusterError``."""
    return RemoteStore(async_client(context, kubeconfig, environ=environ))
