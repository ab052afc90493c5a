"""What a read-only root would refuse of what was written."""

import pytest

from leadline.model.container import Container
from leadline.model.profile import ChangedPath, OpenedFile, Profile
from leadline.runtime.rehearsal.files import Mounts, file_outcomes, folders_of, place_of

MOUNTS = Mounts(("/tmp", "/var/lib/app", "/run"), ("/etc/config",), is_root_read_only=True)


def verdicts(*done: OpenedFile | ChangedPath, mounts: Mounts = MOUNTS) -> list[str]:
    profile = Profile(
        Container("one"), "complete", (),
        opened=tuple(one for one in done if isinstance(one, OpenedFile)),
        changed=tuple(one for one in done if isinstance(one, ChangedPath)),
    )  # fmt: skip
    return [one.verdict for one in file_outcomes(profile, mounts)]


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/tmp/a", "allowed"),
        ("/tmp", "allowed"),
        ("/tmpfile", "blocked"),
        ("/var/lib/app/x/y", "allowed"),
        ("/var/lib/other", "blocked"),
        ("/etc/config/a", "blocked"),
        ("/dev/null", "allowed"),
        ("/proc/self/oom_score_adj", "allowed"),
        ("/etc/hosts", "allowed"),
        ("/etc/hosts.new", "blocked"),
        ("/var/⋯/app/x", "unknown"),
        ("/⋯/x", "unknown"),
        ("/usr/⋯/app/x", "blocked"),
        ("/tmp/⋯", "allowed"),
    ],
)
def test_a_write_passes_where_something_writable_is_mounted(path: str, verdict: str):
    assert verdicts(OpenedFile(path, ("O_WRONLY", "O_CREAT"))) == [verdict]


def test_what_is_only_read_is_not_judged():
    assert verdicts(OpenedFile("/etc/passwd", ("O_RDONLY", "O_CLOEXEC"))) == []


def test_calls_that_may_have_failed_count_as_made_but_removals_and_relative_paths_are_unknown():
    assert verdicts(
        ChangedPath("/opt/new", "made"), ChangedPath("/opt/a", "renamed"), ChangedPath("/opt/a", "removed"),
        ChangedPath("cache", "made"), ChangedPath("/var/run/web", "made"), ChangedPath("/var", "made"),
    ) == ["blocked", "blocked", "unknown", "unknown", "allowed"]  # fmt: skip


def test_a_writable_root_refuses_below_read_only_volumes_alone():
    mounts = Mounts((), ("/data",))
    assert verdicts(OpenedFile("/data/x", ("O_RDWR",)), OpenedFile("/x", ("O_RDWR",)), mounts=mounts) == [
        "blocked",
        "allowed",
    ]


def test_the_innermost_mount_decides():
    mounts = Mounts(("/data", "/data/a/b"), ("/data/a",), is_root_read_only=True)
    assert [place_of(path, mounts) for path in ("/data/x", "/data/a/x", "/data/a/b/x")] == [
        ("/data", True),
        ("/data/a", False),
        ("/data/a/b", True),
    ]


def test_folders_that_were_written_are_named_once():
    assert folders_of(["/tmp/a", "/tmp/b/c", "/var/lib/x/⋯", "/var/lib/x/y"]) == ("/tmp", "/var/lib/x")
