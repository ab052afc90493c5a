"""The worst vulnerabilities in what a container loaded, as the scan of its image and its profile say together: they may be the way in."""

import msgspec
from msgspec import Struct

from leadline.api.protocol import Store
from leadline.api.selection import Key
from leadline.errors import StoreError
from leadline.model.container import Container
from leadline.model.vulnerability import RATINGS
from leadline.scans.stored.behaviour import is_named, profile_name

MANIFESTS = "vulnerabilitymanifests"
MOST_NAMED = 3
_SEVERITIES = ("critical", "high")


class _About(Struct, frozen=True):
    id: str = ""
    severity: str = ""


class _Artifact(Struct, frozen=True):
    name: str = ""
    version: str = ""


class _Match(Struct, frozen=True):
    vulnerability: _About = _About()
    artifact: _Artifact = _Artifact()
    relevant: bool | None = None


class _Payload(Struct, frozen=True):
    matches: tuple[_Match, ...] | None = None


class _Spec(Struct, frozen=True):
    payload: _Payload = _Payload()


class _Manifest(Struct, frozen=True):
    spec: _Spec = _Spec()


async def loaded_flaws(store: Store, home: str, container: Container) -> tuple[str, ...]:
    """At most ``MOST_NAMED`` texts, ``CVE-2021-44228 in log4j-core 2.14.1 (critical)``; none where that is not known.

    ``home``: the namespace of the results of images. Raises: ``StoreError``.
    """
    if not home or not is_named(container):
        return ()
    entry = await store.get(Key(MANIFESTS, home, profile_name(container)))
    if entry is None:
        return ()
    try:
        found = msgspec.json.decode(entry.content.body, type=_Manifest).spec.payload.matches or ()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{home}/{profile_name(container)} is not a list of vulnerabilities") from error
    loaded = {
        (RATINGS.index(severity), one.vulnerability.id, one.artifact)
        for one in found
        if one.relevant is True and (severity := one.vulnerability.severity.lower()) in _SEVERITIES
    }
    worst = sorted(loaded, key=lambda one: (*one[:2], one[2].name, one[2].version))[:MOST_NAMED]
    return tuple(f"{id} in {of.name} {of.version} ({RATINGS[rank]})"[:200] for rank, id, of in worst)
