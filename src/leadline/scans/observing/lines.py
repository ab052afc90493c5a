"""Events, profiles and alerts as JSON, one line each."""

import msgspec

from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.model.event import (
    COLLAPSED,
    CUT,
    FIRST_PROCESS,
    INTERPRETER,
    OUTGOING,
    PARENT_UPPER,
    PSEUDO,
    SNAPSHOT,
    UPPER,
    Event,
)
from leadline.model.profile import Profile
from leadline.runtime.learning import flag_names

_ENCODER = msgspec.json.Encoder()
MARKS = (
    (SNAPSHOT, "wasThere"), (COLLAPSED, "isCollapsed"), (PSEUDO, "isPseudoFile"), (CUT, "isCut"),
    (UPPER, "isInUpperLayer"), (PARENT_UPPER, "isParentInUpperLayer"), (INTERPRETER, "isInterpreter"),
    (OUTGOING, "isOutgoing"), (FIRST_PROCESS, "isFirstProcess"),
)  # fmt: skip
_INNER = frozenset(
    {
        "flags",
        "exeId",
        "parentExeId",
        "cgroupId",
        "netId",
        "startNs",
        "parentStartNs",
        "openFlags",
        "nsId",
        "cgroup",
        "parentCgroup",
    }
)
"""What serves the agent alone."""


def event_line(event: Event, container: Container | None, exe: str, at_s: float) -> bytes:
    """``exe`` is the path of the program that did it, ``at_s`` when, in seconds since 1970."""
    fields = msgspec.to_builtins(event)
    line = {"time": round(at_s, 6), "event": fields.pop("event")}
    if container is not None:
        line["container"] = msgspec.to_builtins(container)
    if exe:
        line["exe"] = exe
    if "openFlags" in fields or line["event"] == "opened":
        line["openFlags"] = flag_names(fields.get("openFlags", 0))
    line |= {name: value for name, value in fields.items() if name not in _INNER and name != "atNs"}
    line |= {name: True for bit, name in MARKS if event.flags & bit}
    return _ENCODER.encode(line) + b"\n"


def profile_line(profile: Profile) -> bytes:
    return _ENCODER.encode(profile) + b"\n"


def alert_line(alert: Alert) -> bytes:
    """``alert`` is its title; everything else as it is stored."""
    fields = msgspec.to_builtins(alert)
    line = {"time": fields["lastS"], "alert": fields.pop("title")}
    return _ENCODER.encode(line | fields) + b"\n"
