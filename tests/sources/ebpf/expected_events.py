"""What ``every_probe.py`` does, as it must be seen: by the kernel now, and in the records that were kept of it."""

from collections.abc import Iterable
from typing import Any

from leadline.model import event as of
from leadline.model.event import COLLAPSED, INTERPRETER, OUTGOING, Event

EXPECTED: list[tuple[type[Event], dict[str, Any]]] = [
    (of.Executed, {"arguments_end": "every_probe.py"}),
    (of.Mapped, {"flag": INTERPRETER, "path_end": "ld-linux-x86-64.so.2"}),
    (of.Mapped, {"path": "/usr/bin/true"}),
    (of.Opened, {"path_end": "/opened", "open_flags": 0o2000101}),
    (of.Opened, {"path_end": "/opened", "open_flags": 0}),  # openat2
    (of.Opened, {"path_end": "/creat", "open_flags": 0o1101}),
    (of.Opened, {"path_end": "/creat", "open_flags": 0}),  # open
    (of.Linked, {"target": "/etc/shadow", "path_end": "/soft", "is_symbolic": True}),
    (of.Linked, {"target": "/etc/sudoers", "path_end": "/softer", "is_symbolic": True}),
    (of.Linked, {"path_end": "/hard", "is_symbolic": False}),
    (of.Linked, {"path_end": "/harder", "is_symbolic": False}),
    (of.Renamed, {"path_end": "/creat"}),
    (of.Renamed, {"path_end": "/renamed"}),
    (of.ModeChanged, {"mode": 0o4755}),
    (of.ModeChanged, {"mode": 0o600}),
    (of.ModeChanged, {"mode": 0o640, "path_end": "/opened"}),
    (of.Altered, {"what": "owner", "path_end": "/opened"}),
    (of.Altered, {"what": "times", "path_end": "/opened"}),
    (of.Altered, {"what": "special", "path_end": "/socket"}),
    (of.Altered, {"what": "special", "path": "/tmp/leadline-device"}),
    (of.Removed, {"what": "made", "path_end": "/made"}),
    (of.Removed, {"what": "folder", "path_end": "/made"}),
    (of.Removed, {"what": "file", "path_end": "/moved"}),
    (of.CapabilityUsed, {"capability": "SYS_ADMIN", "is_allowed": True}),
    (of.Mounted, {"source": "none", "target": "/mnt"}),
    (of.IdentityChanged, {"call": "setuid", "ids": (0,)}),
    (of.IdentityChanged, {"call": "setreuid", "ids": (0, -1)}),
    (of.IdentityChanged, {"call": "setresuid", "ids": (0, -1, 0)}),
    (of.NamespaceChanged, {"call": "unshare", "namespaces": ("uts",)}),
    (of.NamespaceChanged, {"call": "setns"}),
    (of.Traced, {"request": 0}),
    (of.BpfLoaded, {}),
    (of.RingUsed, {"operation": 0}),
    (of.Redirected, {"descriptor": 0, "address": "127.0.0.1"}),
    (of.RawSocketMade, {"family": "packet"}),
    (of.SocketFileConnected, {"path": "/run/containerd/none.sock"}),
    (of.PageFaultsTaken, {}),
    (of.RootChanged, {"call": "chroot", "path": "/proc"}),
    (of.RootChanged, {"call": "pivot_root", "path": "/none"}),
    (of.DeviceMade, {"path": "/tmp/leadline-device", "is_block": True}),
    (of.Connected, {"direction": "sends", "address": "127.0.0.1", "port": 53, "protocol": "UDP"}),
    (of.Connected, {"direction": "receives", "address": "127.0.0.1", "local_port": 53, "protocol": "UDP"}),
    (of.Connected, {"direction": "connects", "address": "127.0.0.1", "port": 53, "protocol": "UDP"}),
    (of.Connected, {"direction": "sends", "address": "::1", "port": 9999, "protocol": "UDP"}),
    (of.Connected, {"direction": "listens", "local_port": 8080, "protocol": "TCP"}),
    (of.Connected, {"direction": "connects", "address": "127.0.0.1", "port": 8080, "protocol": "TCP"}),
    (of.Connected, {"direction": "accepts", "address": "127.0.0.1", "local_port": 8080}),
    (of.Connected, {"direction": "connects", "address": "::1", "port": 8443}),
    (of.Connected, {"direction": "accepts", "address": "::1", "local_port": 8443}),
    (of.Resolved, {"name": "gone.example", "type": "A", "code": "", "flag": OUTGOING}),
    (of.Resolved, {"name": "gone.example", "code": "NXDOMAIN"}),
    (of.Resolved, {"name": "here.example", "code": "NOERROR", "addresses": ("192.0.2.7",)}),
    (of.Requested, {"method": "GET", "host": "shop.example", "port": 8080, "flag": OUTGOING}),
    (of.Requested, {"method": "GET", "host": "shop.example", "port": 8080}),
    (of.TlsStarted, {"server_name": "pay.example", "port": 8443}),
    (of.SshGreeted, {"software": "SSH-2.0-agent_test"}),
]


def missing(events: Iterable[Event]) -> list[tuple[str, dict[str, Any]]]:
    """What none of ``events`` is."""
    found = list(events)
    return [
        (kind.__name__, wanted)
        for kind, wanted in EXPECTED
        if not any(type(event) is kind and _is(event, wanted) for event in found)
    ]


def _is(event: Event, wanted: dict[str, Any]) -> bool:
    for name, value in wanted.items():
        if name == "flag":
            if not event.flags & value or event.flags & COLLAPSED:
                return False
        elif name == "arguments_end":
            if not any(word.endswith(value) for word in getattr(event, "arguments", ())):
                return False
        elif name.endswith("_end"):
            if not getattr(event, name.removesuffix("_end")).endswith(value):
                return False
        elif getattr(event, name) != value:
            return False
    return True
