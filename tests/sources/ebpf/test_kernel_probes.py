"""The probes in this machine's kernel. With LEADLINE_RECORD=1 the bytes of a run are kept for the tests without one."""

import ctypes
import itertools
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from expected_events import missing
from kernel_access import needs_kernel

from leadline.model.event import (
    COLLAPSED,
    Altered,
    CallLearned,
    Event,
    Executed,
    Forked,
    Linked,
    Mapped,
    ModeChanged,
    Opened,
    Removed,
    Renamed,
)
from leadline.sources.ebpf.event_source import EventSource
from leadline.sources.ebpf.kernel_check import check_kernel
from leadline.sources.ebpf.loading import LoadSettings

pytestmark = [pytest.mark.kernel, needs_kernel]
HERE = Path(__file__).parent
RECORDS = HERE / "recorded_records.json.xz"


class Watched:
    """One source for all tests of this file: to detach it takes some seconds."""

    def __init__(self, source: EventSource) -> None:
        self.source = source
        self.raw: list[bytes] = []

    def of(self, *command: str) -> list[Event]:
        """What ``command`` does in a mount namespace of its own; of its namespaces alone."""
        self.source.read()
        started = f"echo $$; exec {' '.join(command)}"
        child = subprocess.run(
            ["unshare", "-mn", "sh", "-c", f"ip link set lo up; {started}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert child.returncode == 0, child.stderr
        pid = int(child.stdout.split()[0])
        self.source.probes.drain()
        self.raw = self.source._arrived.copy()
        events = self.source.read()
        own = {event.ns_id for event in events if event.pid == pid}
        own |= {event.child_ns_id for event in events if isinstance(event, Forked) and event.ns_id in own}
        return [event for event in events if event.ns_id in own]


@pytest.fixture(scope="module")
def watched():
    source = EventSource(LoadSettings())
    yield Watched(source)
    source.close()


def test_each_probe_sees_what_a_program_does(watched: Watched, tmp_path: Path):
    events = watched.of(sys.executable, str(HERE / "every_probe.py"), str(tmp_path))
    assert missing(events) == []
    assert watched.source.reader.unreadable == 0
    if os.environ.get("LEADLINE_RECORD"):
        own = {event.ns_id for event in events}
        mine = [one for one in watched.raw if int.from_bytes(one[8:16], "little") in own]
        text = json.dumps([one.hex() for one in mine])
        RECORDS.write_bytes(lzma.compress(text.encode(), preset=9))


def test_equal_containers_one_after_another_have_equal_records(watched: Watched):
    """The number of a namespace is given to the next one at once; its id never is."""
    seen = []
    for _ in range(3):
        events = watched.of("cat", "/etc/shadow", ">/dev/null")
        seen.append(Counter((type(event).__name__, getattr(event, "path", "")) for event in events))
    assert seen[0]["Opened", "/etc/shadow"] == 1
    assert seen[0] == seen[1] == seen[2]


def test_a_process_is_seen_whatever_it_calls_itself(watched: Watched):
    code = "import ctypes;ctypes.CDLL(None).prctl(15,b'runc:[2:INIT]');open('/etc/shadow').close()"
    events = watched.of(sys.executable, "-c", f'"{code}"')
    opened = [event for event in events if isinstance(event, Opened) and event.path == "/etc/shadow"]
    assert [event.program for event in opened] == ["runc:[2:INIT]"]


def test_an_orphan_that_executed_nothing_and_runs_from_memory_is_still_seen(watched: Watched, tmp_path: Path):
    """Only a runtime that enters a container is left out, which is a fork of a process outside as well."""
    script, done = tmp_path / "script", tmp_path / "done"
    script.write_text(f"( (read x < /etc/shadow; : > {done}) & ); until [ -e {done} ]; do sleep 0.01; done")
    code = (
        "import os;d=os.memfd_create('sh');os.write(d,open('/bin/dash','rb').read());"
        f"os.execve(d,['sh','{script}'],dict(os.environ))"
    )
    events = watched.of(sys.executable, "-c", f'"{code}"')
    assert "/etc/shadow" in [event.path for event in events if isinstance(event, Opened)]


def test_a_process_is_seen_while_its_parent_takes_its_time_to_end(watched: Watched, tmp_path: Path):
    """A parent that ends has left its namespaces before its children have another; to free a large file takes that long."""
    files = [tmp_path / f"{number}" for number in range(400)]
    for path in files:
        path.touch()
    script = tmp_path / "script"
    script.write_text(
        f"""
import os, time
if not os.fork():
    if not os.fork():
        for number in range({len(files)}):
            os.close(os.open('{tmp_path}/%d' % number, os.O_RDONLY))
            time.sleep(0.001)
        os._exit(0)
    large = os.memfd_create('large')
    for _ in range(200):
        os.write(large, bytes(1 << 20))
    os._exit(0)
os.wait()
"""
    )
    code = (
        "import os,sys;d=os.memfd_create('python');os.write(d,open(os.path.realpath(sys.executable),'rb').read());"
        f"os.execve(d,[sys.executable,'{script}'],dict(os.environ))"
    )
    events = watched.of(sys.executable, "-c", f'"{code}"')
    seen = {event.path for event in events if isinstance(event, Opened)}
    assert [path.name for path in files if str(path) not in seen] == []


def test_a_process_that_leaves_its_mount_namespace_is_still_seen(watched: Watched):
    code = "import ctypes;ctypes.CDLL(None).unshare(0x20000);open('/etc/shadow').close()"
    events = watched.of(sys.executable, "-c", f'"{code}"')
    opened = [event for event in events if isinstance(event, Opened) and event.path == "/etc/shadow"]
    assert len(opened) == 1
    assert opened[0].ns_id in {event.child_ns_id for event in events if isinstance(event, Forked)}


def test_a_file_in_memory_is_named_as_one(watched: Watched):
    code = (
        "import os;d=os.memfd_create('evil');os.write(d,open('/bin/true','rb').read());os.execve(d,['x'],{})"
    )
    events = watched.of(sys.executable, "-c", f'"{code}"')
    assert "memfd:evil" in [event.path for event in events if isinstance(event, Executed)]


def test_an_execution_names_the_folder_that_it_was_started_in(watched: Watched, tmp_path: Path):
    deep = tmp_path.joinpath(*(letter * 200 for letter in "abcdefg"))
    deep.mkdir(parents=True)
    script = f"'cd {tmp_path} && /bin/true; cd / && /bin/ls >/dev/null; cd {deep} && /bin/date >/dev/null'"
    events = watched.of("sh", "-c", script)
    found = {Path(event.path).name: event.folder for event in events if isinstance(event, Executed)}
    assert found["true"] == str(tmp_path)
    assert found["ls"] == "/"
    # 1,023 bytes of the innermost folders.
    assert found["date"].startswith("…/")
    assert found["date"].endswith("/" + "/".join(letter * 200 for letter in "defg"))


def test_a_relative_path_is_told_from_the_root(watched: Watched, tmp_path: Path):
    (tmp_path / "inner").mkdir()
    code = (
        f"import os;os.chdir('{tmp_path}');inner=os.open('inner',os.O_RDONLY);os.mkdir('here');os.mkdir('there',dir_fd=inner);"
        "os.rename('there','../moved',src_dir_fd=inner,dst_dir_fd=inner);os.symlink('any','soft',dir_fd=inner);"
        "os.chmod('here',0o700);os.chdir('/');os.mkdir('root-made');os.rmdir('root-made')"
    )
    events = watched.of(sys.executable, "-c", f'"{code}"')
    made = {event.path for event in events if isinstance(event, Removed) and event.what == "made"}
    assert {f"{tmp_path}/here", f"{tmp_path}/inner/there", "/root-made"} <= made
    (renamed,) = (event for event in events if isinstance(event, Renamed))
    assert (renamed.path, renamed.new_path) == (f"{tmp_path}/inner/there", f"{tmp_path}/moved")
    (linked,) = (event for event in events if isinstance(event, Linked))
    assert (linked.target, linked.path) == ("any", f"{tmp_path}/inner/soft")
    assert f"{tmp_path}/here" in {event.path for event in events if isinstance(event, ModeChanged)}


def test_a_folder_that_is_there_is_not_made_again(watched: Watched, tmp_path: Path):
    events = watched.of("sh", "-c", f"'mkdir -p {tmp_path}/one/two; mkdir {tmp_path} 2> /dev/null; true'")
    made = [event.path for event in events if isinstance(event, Removed) and event.what == "made"]
    assert made == [f"{tmp_path}/one", f"{tmp_path}/one/two"]


def test_the_same_name_in_another_folder_is_another_path(watched: Watched, tmp_path: Path):
    script = "".join(f"mkdir {tmp_path}/{n}; cd {tmp_path}/{n}; mkdir data; " for n in range(3))
    events = watched.of("sh", "-c", f"'{script}'")
    made = {event.path for event in events if isinstance(event, Removed) and event.path.endswith("/data")}
    assert made == {f"{tmp_path}/{n}/data" for n in range(3)}


def test_each_program_says_once_which_calls_it_uses(watched: Watched):
    events = watched.of("sh", "-c", "'/bin/date > /dev/null; /bin/date > /dev/null; /bin/uname > /dev/null'")
    called = Counter((event.program, event.call) for event in events if isinstance(event, CallLearned))
    assert called["date", "openat"] == called["uname", "uname"] == called["sh", "wait4"] == 1
    used = watched.source.syscalls()[events[0].ns_id]
    assert {call for _, call in called} <= used


def test_what_is_changed_otherwise_than_by_writing_is_recorded(watched: Watched, tmp_path: Path):
    code = (
        f"import os,socket;os.chdir('{tmp_path}');os.mkdir('d');os.close(os.open('f',os.O_CREAT|os.O_WRONLY));os.chown('f',0,0);"
        "os.utime('f',(1,1));os.truncate('f',1);os.setxattr('f','trusted.a',b'b');os.mkfifo('pipe');"
        "socket.socket(socket.AF_UNIX).bind('sock');folder=os.open('d',os.O_RDONLY);os.fchown(folder,0,0);os.fchmod(folder,0o700);"
        "os.chown('f',0,0,dir_fd=os.open('.',os.O_RDONLY));written=os.open('g',os.O_CREAT|os.O_RDWR);os.fchown(written,0,0)"
    )
    events = watched.of(sys.executable, "-c", f'"{code}"')
    altered = Counter((event.what, event.path) for event in events if isinstance(event, Altered))
    assert altered == Counter({
        ("owner", f"{tmp_path}/f"): 2,  # by two calls
        ("times", f"{tmp_path}/f"): 1,
        ("size", f"{tmp_path}/f"): 1,
        ("attributes", f"{tmp_path}/f"): 1,
        ("special", f"{tmp_path}/pipe"): 1,
        ("special", f"{tmp_path}/sock"): 1,
        ("owner", f"{tmp_path}/d"): 1,
    })  # fmt: skip
    assert f"{tmp_path}/d" in {event.path for event in events if isinstance(event, ModeChanged)}


def test_the_same_call_again_is_sent_once(watched: Watched, tmp_path: Path):
    code = f"import os;[os.chmod('{tmp_path}',0o700) or open('/etc/hostname').close() for _ in range(200)]"
    events = watched.of(sys.executable, "-c", f'"{code}"')
    assert sum(isinstance(event, ModeChanged) for event in events) == 1


def test_a_program_that_starts_with_thousands_of_files_is_seen_whole(watched: Watched, tmp_path: Path):
    """As ``initdb`` does: whatever a container has not used of its budget it may use at once."""
    code = f"for n in range(4000): open('{tmp_path}/%d' % n, 'w').close()"
    events = watched.of(sys.executable, "-c", f'"{code}"')
    opened = [event for event in events if isinstance(event, Opened)]
    assert sum(event.path.startswith(str(tmp_path)) for event in opened) == 4000
    assert not any(event.flags & COLLAPSED for event in events)


def test_a_walker_is_collapsed_and_counted(watched: Watched, tmp_path: Path):
    for folder, file in itertools.product(range(4), range(3000)):
        (tmp_path / str(folder)).mkdir(exist_ok=True)
        (tmp_path / str(folder) / str(file)).touch()
    events = watched.of("sh", "-c", f"'cd {tmp_path}; exec cat */* > /dev/null'")
    opened = [event for event in events if isinstance(event, Opened)]
    folders = {event.path for event in opened if event.flags & COLLAPSED}
    rows = {row.ns_id: row for row in watched.source.containers()}
    counted = sum(row.collapsed.get("open", 0) for row in rows.values() if row.ns_id == opened[0].ns_id)
    files = sum(1 for event in opened if event.path.startswith(str(tmp_path)) and not event.flags & COLLAPSED)
    assert files + counted >= 12_000
    assert files < 12_000
    assert folders <= {str(tmp_path / str(folder)) for folder in range(4)}
    assert folders


def test_what_was_there_before_is_found():
    child = subprocess.Popen(["unshare", "-m", "sleep", "60"])
    try:
        while (Path(f"/proc/{child.pid}/comm")).read_text() != "sleep\n":
            assert child.poll() is None
            time.sleep(0.01)
        source = EventSource(LoadSettings())
        try:
            events = [event for event in source.read() if event.pid == child.pid]
        finally:
            source.close()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert [event.path for event in events if isinstance(event, Executed)] == ["/usr/bin/sleep"]
    assert any(event.path.endswith("libc.so.6") for event in events if isinstance(event, Mapped))


def test_a_container_that_is_being_built_when_the_agent_starts_is_not_taken_for_one_that_was_there():
    """A runtime forks into the new namespace and executes the first program later."""
    ready, written = os.pipe()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).unshare(0x20000)
        os.write(written, b"1")
        signal.pause()
    try:
        assert os.read(ready, 1) == b"1"
        source = EventSource(LoadSettings())
        try:
            assert [event for event in source.read() if event.pid == child] == []
        finally:
            source.close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(written)


def test_a_storm_through_a_small_ring_is_counted_to_the_last_record(tmp_path: Path):
    for number in range(3000):
        (tmp_path / str(number)).touch()
    source = EventSource(LoadSettings(ring_bytes=1 << 16, file_budget=1_000_000))
    try:
        source.read()
        with subprocess.Popen(["unshare", "-m", "sh", "-c", f"exec cat {tmp_path}/* >/dev/null"]) as child:
            assert child.wait(timeout=60) == 0
        events = source.read()
        # It has executed three programs before the first file: other containers of the machine may be in the ring too.
        (ns_id,) = {event.ns_id for event in events if event.pid == child.pid and isinstance(event, Executed)}
        (own,) = [row for row in source.containers() if row.ns_id == ns_id]
        lost = own.lost.get("open", 0)
        opened = [event.path for event in events if isinstance(event, Opened) and event.ns_id == ns_id]
    finally:
        source.close()
    arrived = sum(1 for path in opened if path.startswith(str(tmp_path)))
    assert lost > 1000
    libraries = 200
    assert 3000 <= arrived + lost <= 3000 + libraries


def test_every_probe_works_or_says_why():
    check = check_kernel()
    assert check.problem == ""
    allowed = {"this kernel has no such tracepoint"}
    assert {why for one in check.probes for why in one.off.values()} <= allowed
    working = {one.name for one in check.probes if one.works}
    assert {"exec", "open", "map", "socket", "traffic", "process", "snapshot"} <= working


def programs_of(pid: int) -> set[str]:
    """Ids of the BPF programs that a process holds."""
    found = set()
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        found |= {line.split()[1] for line in path.read_text().splitlines() if line.startswith("prog_id:")}
    return found


def loaded_programs() -> set[str]:
    listed = subprocess.run(
        ["bpftool", "-j", "prog", "list"], capture_output=True, text=True, check=True, timeout=60
    )
    return {str(one["id"]) for one in json.loads(listed.stdout)}


def test_nothing_is_left_in_the_kernel_after_a_process_is_killed():
    code = (
        "from leadline.sources.ebpf.event_source import EventSource;"
        "from leadline.sources.ebpf.loading import LoadSettings;"
        "s=EventSource(LoadSettings());print('on',flush=True);input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "on\n"
        held = programs_of(child.pid)
        assert len(held) > 40
        assert held <= loaded_programs()
        child.kill()
        child.wait()
    end = time.monotonic() + 60
    while held & loaded_programs() and time.monotonic() < end:
        time.sleep(0.1)
    assert held & loaded_programs() == set()
