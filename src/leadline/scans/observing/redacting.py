"""The first thing that happens to an event: its secrets go, before anything stores, prints or judges it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from leadline.model.event import (
    Altered,
    DeviceMade,
    Event,
    Executed,
    Linked,
    Mapped,
    ModeChanged,
    ModuleChanged,
    Mounted,
    Opened,
    PodEntered,
    Removed,
    Renamed,
    Requested,
    Resolved,
    RootChanged,
    SocketFileConnected,
    SshGreeted,
    TlsStarted,
)
from leadline.outputs.redaction.shapes import HIDDEN, redacted_text
from leadline.outputs.redaction.words import redacted_words

E = TypeVar("E", bound=Event)
_QUERY_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_MOST_NAMES = 32
_TEXTS: Mapping[type[Event], tuple[str, ...]] = {
    Opened: ("path",),
    Mapped: ("path",),
    Linked: ("target", "path"),
    Removed: ("path",),
    Renamed: ("path", "new_path"),
    ModeChanged: ("path",),
    Altered: ("path",),
    Mounted: ("source", "target"),
    Resolved: ("name",),
    TlsStarted: ("server_name",),
    SshGreeted: ("software",),
    ModuleChanged: ("name",),
    SocketFileConnected: ("path",),
    RootChanged: ("path",),
    DeviceMade: ("path",),
}


def redacted_event(event: Event, environment: frozenset[str] = frozenset()) -> Event:
    """``event`` without secrets; of its environment the names in ``environment``, never a value."""
    if isinstance(event, Executed):
        return replace(
            event,
            path=redacted_text(event.path),
            name=redacted_text(event.name),
            folder=redacted_text(event.folder),
            arguments=redacted_words(event.arguments),
            environment=tuple(name for name in event.environment if name in environment),
        )
    if isinstance(event, PodEntered):
        return replace(event, command=redacted_words(event.command))
    if isinstance(event, Requested):
        host = redacted_text(event.host.rpartition("@")[2])
        return replace(event, path=_request_path(event.path), host=host)
    if isinstance(event, Mounted) and "@" in event.source:
        # A share of another machine, with the user's name and password before it.
        event = replace(event, source=f"{HIDDEN}@{event.source.rpartition('@')[2]}")
    return _with_texts(event, _TEXTS.get(type(event), ()), redacted_text)


def _with_texts(event: Event, names: tuple[str, ...], shown: Callable[[str], str]) -> Event:
    changed: dict[str, Any] = {}
    for name in names:
        before = getattr(event, name)
        after = shown(before)
        if after != before:
            changed[name] = after
    return replace(event, **changed) if changed else event


def _request_path(target: str) -> str:
    """The path of a request; of its query the names alone: values may be anything."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return HIDDEN
    pairs = parts.query.split("&")[:_MOST_NAMES] if parts.query else []
    names = [pair.partition("=")[0] for pair in pairs if "=" in pair]
    query = "&".join(f"{name}={HIDDEN}" for name in names if _QUERY_NAME.fullmatch(redacted_text(name)))
    path = redacted_text(parts.path)
    return f"{path}?{query or HIDDEN}" if parts.query else path
