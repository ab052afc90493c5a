"""Makes one profile of two of the same container: what was recorded before a pause, and after it."""

from collections.abc import Callable, Iterable
from operator import add

from msgspec.structs import replace

from leadline.model import profile as words
from leadline.model.profile import MANY, ChangedPath, OpenedFile, Peer, Profile, Use
from leadline.runtime.collapse import MOST_PROGRAMS


def continued(before: Profile, after: Profile) -> Profile:
    """``after`` with everything of ``before``: partial, for what happened in between was seen by no one.

    That the container was there when the agent came back says no more than that.
    """
    reasons = {*before.reasons, *after.reasons} - {words.STARTED_BEFORE}
    if words.STARTED_BEFORE in before.reasons:
        reasons.add(words.STARTED_BEFORE)
    return joined(before, after, (*reasons, words.INTERRUPTED))


MOST = 20_000
"""Entries of each list; beyond, the first of them stay. A container may outlive many agents."""
_LISTS = ("executed", "opened", "changed", "loaded", "mapped", "peers", "names", "failed_names", "requests")


Both = Callable[[int, int], int]
"""How two numbers become one: ``add`` where they count different things, ``max`` where they may count the same ones."""


def joined(before: Profile, after: Profile, reasons: Iterable[str], both: Both = add) -> Profile:
    """Everything of both, of the container of ``after``."""
    why = tuple(sorted(set(reasons)))
    opened: dict[str, OpenedFile] = {}
    for file in (*before.opened, *after.opened):
        other = opened.get(file.path, file)
        flags = tuple(sorted({*other.flags, *file.flags}))
        opened[file.path] = OpenedFile(file.path, flags, _use(other, file, both))
    changed: dict[tuple[str, str], ChangedPath] = {}
    for change in (*before.changed, *after.changed):
        key = change.path, change.how
        changed[key] = ChangedPath(*key, _use(changed.get(key, change), change, both))
    peers: dict[tuple[str, str, int, str], Peer] = {}
    for peer in (*before.peers, *after.peers):
        end = peer.direction, peer.address, peer.port, peer.protocol
        known = peers.get(end, peer)
        peers[end] = Peer(*end, tuple(sorted({*known.names, *peer.names})), _use(known, peer, both))
    names = _union(before.names, after.names)
    capabilities = _union(before.capabilities, after.capabilities)
    whole = Profile(
        after.container,
        words.PARTIAL if why else words.COMPLETE,
        why,
        executed=tuple(sorted({*before.executed, *after.executed})),
        opened=tuple(opened[path] for path in sorted(opened)),
        changed=tuple(sorted(changed.values())),
        loaded=_union(before.loaded, after.loaded),
        mapped=_union(before.mapped, after.mapped),
        mapped_by=_uses(before.mapped_by, after.mapped_by, both),
        capabilities=capabilities,
        used_capabilities=_uses(before.used_capabilities, after.used_capabilities, both),
        refused_capabilities=tuple(
            one
            for one in _union(before.refused_capabilities, after.refused_capabilities)
            if one not in capabilities
        ),
        syscalls=_union(before.syscalls, after.syscalls),
        used_syscalls=_uses(before.used_syscalls, after.used_syscalls, both),
        peers=tuple(sorted(peers.values())),
        names=names,
        failed_names=tuple(
            one for one in _union(before.failed_names, after.failed_names) if one not in names
        ),
        requests=tuple(sorted({*before.requests, *after.requests})),
        users=tuple(sorted({*before.users, *after.users})),
        since_s=min((one for one in (before.since_s, after.since_s) if one), default=0.0),
        until_s=max(before.until_s, after.until_s),
        lost=_sums(before.lost, after.lost, both),
        collapsed=_sums(before.collapsed, after.collapsed, both),
    )
    cut = {name: found[:MOST] for name in _LISTS if len(found := getattr(whole, name)) > MOST}
    if not cut:
        return whole
    return replace(whole, completion=words.PARTIAL, reasons=tuple(sorted({*why, words.TOO_LARGE})), **cut)


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))


def _sums(one: dict[str, int], other: dict[str, int], both: Both) -> dict[str, int]:
    return {key: both(one.get(key, 0), other.get(key, 0)) for key in sorted({*one, *other})}


def _uses(one: dict[str, Use], other: dict[str, Use], both: Both) -> dict[str, Use]:
    return {
        key: use_of_both(one[key], other[key], both) if key in one and key in other else (one | other)[key]
        for key in sorted({*one, *other})
    }


def _use(one: OpenedFile | ChangedPath | Peer, other: OpenedFile | ChangedPath | Peer, both: Both) -> Use:
    return one.use if one is other else use_of_both(one.use, other.use, both)


def use_of_both(one: Use, other: Use, both: Both = add) -> Use:
    """When and how often either was; as many programs as a profile names."""
    programs = tuple(dict.fromkeys(name for name in (*one.programs, *other.programs) if name != MANY))
    is_more = MANY in (*one.programs, *other.programs) or len(programs) > MOST_PROGRAMS
    return Use(
        (*programs[:MOST_PROGRAMS], MANY) if is_more else programs,
        min((at for at in (one.first_s, other.first_s) if at), default=0.0),
        max(one.last_s, other.last_s),
        both(one.times, other.times),
    )
