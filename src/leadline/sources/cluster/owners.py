"""Which objects are judged at their owner: the ReplicaSet of a Deployment, the Pod of a Job.

Anyone who may create a Pod may also name an owner in it. So an object is left to its owner only where the owner
was read itself and the object asks for nothing dangerous that the owner does not ask for. Sidecars that admission
adds make such a difference too; of the objects that one owner made alike, one is kept.
"""

import threading
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from leadline.kept_once import KeptOnce
from leadline.kube.kinds import HANDS_POD_ON
from leadline.kube.workload import CONTAINER_LISTS, descend, pod_paths
from leadline.untyped import mapping, mappings, text

_REVISION = "ControllerRevision.apps"
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")


Key = tuple[str, str, str]
"""Key of the kind, namespace, name."""


class _Owned(Struct):
    key: Key
    uid: str
    owner: str
    """The uid of what manages it; empty where nothing does."""
    dangers: frozenset[str]
    is_idle: bool
    """Whether it is scaled to nothing, so that it runs no pods."""
    is_left_out: bool = False


class Ownership:
    """Every object that runs pods, and which of them are judged at their owner. Safe to use from several threads.

    Fed with owners before what they own. Of the objects that one owner made alike the first that came is judged, for as
    long as it is there.
    """

    def __init__(self) -> None:
        self._objects: dict[Key, _Owned] = {}
        self._keys: dict[str, Key] = {}
        """By uid."""
        self._children: dict[str, dict[Key, None]] = {}
        """By the uid of their owner, which need not be there."""
        self._kept: dict[tuple[str, frozenset[str]], Key] = {}
        """Of those that one owner made alike, the one that is judged."""
        self._turned: dict[Key, None] = {}
        self._dangers: KeptOnce[frozenset[str], frozenset[str]] = KeptOnce()
        self._lock = threading.Lock()
        self.left_out = 0

    def is_judged_at_owner(self, key: str, body: dict[str, Any]) -> bool:
        """Whether ``body``, of the kind ``key``, is left out; it takes the place of what was known of the object."""
        if key not in HANDS_POD_ON and key != _REVISION:
            return False
        metadata = mapping(body.get("metadata"))
        place = (key, text(metadata.get("namespace")), text(metadata.get("name")))
        dangers = _dangers_of(body)
        if key == _REVISION:
            # Ten are kept of each owner, most with an older image: that alone makes none worth a judgement.
            dangers = frozenset(one for one in dangers if not one.startswith("image "))
        is_idle = mapping(body.get("spec")).get("replicas") == 0
        with self._lock:
            one = _Owned(
                place,
                text(metadata.get("uid")),
                _controller_uid(metadata),
                self._dangers.one(dangers, dangers),
                is_idle,
            )
            self._take(one)
            self._turned.pop(place, None)
            return self._objects[place].is_left_out

    def forget(self, key: Key) -> None:
        """An object no longer exists."""
        with self._lock:
            old = self._objects.pop(key, None)
            if old is not None:
                self._remove(old)
                self._look_at_owned(old.uid)
            self._turned.pop(key, None)

    def of_kind(self, kind: str, namespace: str) -> list[Key]:
        """The keys of all that is known of a kind, in one namespace or, where that is empty, in all."""
        with self._lock:
            return [key for key in self._objects if key[0] == kind and namespace in ("", key[1])]

    def turned(self) -> dict[Key, bool]:
        """Objects about which changes of others have decided again since this was asked last; true for left out.

        An object that is to be judged from now on has to be shown once more.
        """
        with self._lock:
            turned, self._turned = self._turned, {}
            return {key: self._objects[key].is_left_out for key in turned if key in self._objects}

    def _take(self, one: _Owned) -> None:
        old = self._objects.get(one.key)
        if old is not None and _is_like(old, one):
            return
        if old is not None:
            self._remove(old)
        self._objects[one.key] = one
        if one.uid:
            self._keys[one.uid] = one.key
        if one.owner:
            self._children.setdefault(one.owner, {})[one.key] = None
        self._decide(one)
        if old is not None and old.uid != one.uid:
            self._look_at_owned(old.uid)
        if old is None or (old.uid, old.dangers) != (one.uid, one.dangers):
            self._look_at_owned(one.uid)

    def _remove(self, old: _Owned) -> None:
        """Takes back all that rests on ``old``; of its likes another one is then judged."""
        if old.is_left_out:
            self.left_out -= 1
        if self._keys.get(old.uid) == old.key:
            del self._keys[old.uid]
        if old.owner:
            siblings = self._children[old.owner]
            del siblings[old.key]
            if not siblings:
                del self._children[old.owner]
        self._give_up(old)

    def _give_up(self, old: _Owned) -> None:
        alike = (old.owner, old.dangers)
        if self._kept.get(alike) == old.key:
            del self._kept[alike]
            for key in sorted(self._children.get(old.owner, ())):
                other = self._objects.get(key)
                if other is not None and other is not old and other.dangers == old.dangers:
                    self._decide_again(other)
                    if alike in self._kept:
                        break

    def _look_at_owned(self, uid: str) -> None:
        for key in list(self._children.get(uid, ())) if uid else ():
            if key in self._objects:
                self._decide_again(self._objects[key])

    def _decide_again(self, one: _Owned) -> None:
        was = one.is_left_out
        if was:
            self.left_out -= 1
        self._decide(one)
        if one.is_left_out != was:
            # Turned twice it is where it was; but what is to be judged may have changed meanwhile.
            self._turned[one.key] = None

    def _decide(self, one: _Owned) -> None:
        owner = self._keys.get(one.owner) if one.owner else None
        alike = (one.owner, one.dangers)
        if owner is None or owner == one.key:
            one.is_left_out = False
            if self._kept.get(alike) == one.key:
                del self._kept[alike]
            return
        exceeds = not one.is_idle and not one.dangers <= self._objects[owner].dangers
        if exceeds:
            one.is_left_out = self._kept.setdefault(alike, one.key) != one.key
        else:
            one.is_left_out = True
            self._give_up(one)
        self.left_out += one.is_left_out


def _is_like(old: _Owned, new: _Owned) -> bool:
    return (old.uid, old.owner, old.dangers, old.is_idle) == (new.uid, new.owner, new.dangers, new.is_idle)


def _controller_uid(metadata: Mapping[str, Any]) -> str:
    """The uid of the owner that manages the object; empty where there is none."""
    for owner in mappings(metadata.get("ownerReferences")):
        if owner.get("controller") is True:
            return text(owner.get("uid"))
    return ""


def _dangers_of(body: dict[str, Any]) -> frozenset[str]:
    """What the object's pods ask of their node."""
    found: set[str] = set()
    for path in pod_paths(text(body.get("apiVersion")), text(body.get("kind")), body):
        found |= _dangers_in(descend(body, (*path, "spec")))
    return frozenset(found)


def _dangers_in(spec: Mapping[str, Any]) -> set[str]:
    found = {field for field in _HOST_FIELDS if spec.get(field) is True}
    found.add(f"account {text(spec.get('serviceAccountName')) or 'default'}")
    if _is_host_process(spec):
        found.add("hostProcess")
    for volume in mappings(spec.get("volumes")):
        if "hostPath" in volume:
            found.add(f"hostPath {text(mapping(volume['hostPath']).get('path'))}")
    for name in CONTAINER_LISTS:
        for container in mappings(spec.get(name)):
            security = mapping(container.get("securityContext"))
            found.add(f"image {text(container.get('image'))}")
            found |= {
                f"host port {port['hostPort']}"
                for port in mappings(container.get("ports"))
                if port.get("hostPort")
            }
            if security.get("procMount") not in (None, "Default"):
                found.add("procMount")
            if _is_host_process(container):
                found.add("hostProcess")
            if security.get("privileged") is True:
                found.add("privileged")
            added = mapping(security.get("capabilities")).get("add")
            found.update(f"capability {text(one)}" for one in (added if isinstance(added, list) else ()))
    return found


def _is_host_process(part: Mapping[str, Any]) -> bool:
    """Of a pod's or a container's ``spec``: whether it runs as a process of its Windows node."""
    security = mapping(part.get("securityContext"))
    return mapping(security.get("windowsOptions")).get("hostProcess") is True
