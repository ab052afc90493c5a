"""What a profile holds of the events of a container: with which programs did it, and when."""

from leadline.model.container import Container
from leadline.model.event import (
    COLLAPSED,
    Altered,
    CapabilityUsed,
    Connected,
    Mapped,
    ModeChanged,
    Opened,
    Removed,
    Renamed,
)
from leadline.model.profile import ChangedPath, OpenedFile, Peer, Use
from leadline.runtime.learning import Recorder

SECOND = 10**9


def head(at_s: int, uid: int = 0, flags: int = 0) -> tuple[int, int, int, int, int, int, str, int]:
    return at_s * SECOND, 5, 77, 100, 1, uid, "sh", flags


def test_everything_says_when_how_often_and_by_which_programs():
    recorder = Recorder(Container("one"), since_ns=2 * SECOND)
    for event, program in (
        (Opened(*head(2), "/tmp/a", 0o1101), "/bin/sh"),
        (Opened(*head(9, uid=33), "/tmp/a", 0o1101), "/bin/cp"),
        (
            Connected(*head(3), direction="connects", address="192.0.2.1", port=443, protocol="TCP"),
            "/bin/curl",
        ),
        (CapabilityUsed(*head(4), capability="CHOWN", is_allowed=True), "/bin/chown"),
        (Mapped(*head(5), "/lib/libc.so.6"), "/bin/sh"),
    ):
        recorder.add(event, program)
    found = recorder.profile(1000.0)
    assert found.opened == (
        OpenedFile(
            "/tmp/a", ("O_WRONLY", "O_CREAT", "O_TRUNC"), Use(("/bin/sh", "/bin/cp"), 1002.0, 1009.0, 2)
        ),
    )
    assert found.peers == (
        Peer("connects", "192.0.2.1", 443, "TCP", use=Use(("/bin/curl",), 1003.0, 1003.0, 1)),
    )
    assert found.used_capabilities == {"CHOWN": Use(("/bin/chown",), 1004.0, 1004.0, 1)}
    assert found.mapped_by == {"/lib/libc.so.6": Use(("/bin/sh",), 1005.0, 1005.0, 1)}
    assert (found.users, found.since_s, found.until_s) == ((0, 33), 1002.0, 1009.0)


def test_paths_that_are_changed_by_other_calls_than_open_are_kept():
    recorder = Recorder(Container("one"))
    for event in (
        Removed(*head(1), what="made", path="/run/web"),
        Removed(*head(1), what="file", path="/tmp/x"),
        Renamed(*head(1), path="/tmp/b", new_path="/data/b"),
        ModeChanged(*head(1), path="relative", mode=0o600),
        ModeChanged(*head(1), path="", mode=0o600),
        Altered(*head(1), what="owner", path="/srv/a"),
        Altered(*head(1, flags=COLLAPSED), what="owner", path="/opt"),
    ):
        recorder.add(event, "/bin/sh")
    use = Use(("/bin/sh",), 1.0, 1.0, 1)
    assert recorder.profile().changed == (
        ChangedPath("/run/web", "made", use),
        ChangedPath("relative", "mode", use),
        ChangedPath("/opt/⋯", "owner", use),
        ChangedPath("/srv/a", "owner", use),
        ChangedPath("/tmp/x", "removed", use),
        ChangedPath("/data/b", "renamed", use),
        ChangedPath("/tmp/b", "renamed", use),
    )
