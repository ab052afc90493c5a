"""``leadline agent`` as a user starts it, beside real containers of runc."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_access import needs_kernel

SECRET = "Hunter2xyz9"
LEADLINE = [sys.executable, "-m", "leadline.programs.cli.main"]
PROGRAM = f"cat /etc/shadow >/dev/null; ls / >/dev/null; PASSWORD={SECRET} /bin/true --password {SECRET}"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("runc") is None or not Path("/bin/busybox").exists():
        pytest.skip("runc and busybox are not installed")
    folder = tmp_path_factory.mktemp("bundle")
    for name in ("bin", "etc", "proc", "dev", "sys", "tmp"):
        (folder / "rootfs" / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "rootfs/bin/busybox")
    for name in ("sh", "cat", "ls", "true", "sleep"):
        (folder / "rootfs/bin" / name).symlink_to("busybox")
    (folder / "rootfs/etc/shadow").write_text("x")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", PROGRAM]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Agent:
    def __init__(self, child: "subprocess.Popen[str]", out: Path, profiles: Path) -> None:
        self.child = child
        self.out = out
        self.profiles = profiles

    def end(self) -> tuple[list[dict[str, object]], dict[str, dict[str, object]]]:
        self.child.terminate()
        assert self.child.wait(timeout=60) == 0
        events = [json.loads(line) for line in self.out.read_text().splitlines()]
        profiles = [json.loads(line) for line in self.profiles.read_text().splitlines()]
        return events, {one["container"]["id"]: one for one in profiles}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    command = [*LEADLINE, "agent", "--json", "--profiles", str(tmp_path / "profiles")]
    with (tmp_path / "out").open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
        assert child.stderr is not None
        for line in child.stderr:
            if "watching" in line:
                break
        yield Agent(child, tmp_path / "out", tmp_path / "profiles")
        child.kill()
        child.wait()
        child.stderr.close()


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = ("firstS", "lastS", "sinceS", "untilS")
        return {name: without_times(one) for name, one in value.items() if name not in left_out}
    return list(map(without_times, value)) if isinstance(value, list) else value


def run(bundle: Path, name: str) -> None:
    subprocess.run(["runc", "run", name], cwd=bundle, check=True, capture_output=True, timeout=60)


def compared(profile: dict[str, object]) -> dict[str, object]:
    """What is equal in equal containers: by which calls a shell waits depends on whether a child ended before."""
    timeless = without_times(profile)
    return {key: value for key, value in timeless.items() if key not in ("container", "syscalls")}


@pytest.mark.kernel
@needs_kernel
def test_equal_containers_have_equal_records_and_no_secret_is_in_them(agent: Agent, bundle: Path):
    names = ["leadline-one", "leadline-two", "leadline-three"]
    for name in names:
        run(bundle, name)
    events, profiles = agent.end()
    seen = {
        name: sorted(
            (event["event"], event.get("path", ""), event.get("arguments", []))
            for event in events
            if "event" in event and event.get("container", {}).get("id") == name
        )
        for name in names
    }
    assert ("opened", "/etc/shadow", []) in seen[names[0]]
    assert seen[names[0]] == seen[names[1]] == seen[names[2]]
    times = profiles[names[0]]["sinceS"], profiles[names[1]]["sinceS"], profiles[names[2]]["sinceS"]
    assert 0 < times[0] < times[1] < times[2]
    profiles = {name: without_times(one) for name, one in profiles.items()}
    one = profiles[names[0]]
    assert one["completion"] == "complete"
    assert one["reasons"] == []
    assert all(profiles[name]["container"] == {"id": name} for name in names)
    assert all({"execve", "openat", "exit_group"} <= set(profiles[name]["syscalls"]) for name in names)
    assert [compared(profiles[name]) for name in names] == [compared(one)] * 3
    for file in (agent.out, agent.profiles):
        assert SECRET not in file.read_text()


@pytest.mark.kernel
@needs_kernel
def test_a_container_that_was_there_before_has_a_partial_profile(bundle: Path, tmp_path: Path):
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["args"] = ["/bin/sleep", "60"]
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder, symlinks=True)
    (folder / "config.json").write_text(json.dumps(config))
    subprocess.run(["runc", "run", "-d", "leadline-before"], cwd=folder, check=True, timeout=60)
    try:
        command = [*LEADLINE, "agent", "--seconds", "0.2", "--profiles", str(tmp_path / "profiles")]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    finally:
        subprocess.run(["runc", "delete", "-f", "leadline-before"], check=True, timeout=60)
    profiles = [json.loads(line) for line in (tmp_path / "profiles").read_text().splitlines()]
    (found,) = [one for one in profiles if one["container"]["id"] == "leadline-before"]
    assert found["completion"] == "partial"
    assert found["reasons"] == ["the container was started before the agent"]
    assert [one["path"] for one in found["executed"]] == ["/bin/busybox"]


@pytest.mark.kernel
@needs_kernel
def test_a_profile_goes_on_after_agents_that_ended_or_were_killed(bundle: Path, tmp_path: Path):
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["args"] = ["/bin/sleep", "86400"]
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder, symlinks=True)
    (folder / "config.json").write_text(json.dumps(config))
    place, out = tmp_path / "profiles", tmp_path / "out"

    def watching() -> "subprocess.Popen[str]":
        with out.open("a") as file:
            child = subprocess.Popen(
                [*LEADLINE, "agent", "--json", "--profiles", str(place)],
                stdout=file, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert child.stderr is not None
        assert any("watching" in line for line in child.stderr)
        return child

    def profile() -> dict[str, object]:
        profiles = [json.loads(line) for line in place.read_text().splitlines()]
        (found,) = [one for one in profiles if one["container"]["id"] == "leadline-long"]
        return found

    agents = [watching()]
    try:
        subprocess.run(["runc", "run", "-d", "leadline-long"], cwd=folder, check=True, timeout=60)
        # runc does not wait until the program is executed.
        end = time.monotonic() + 60
        while "leadline-long" not in out.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        agents[-1].terminate()
        assert agents[-1].wait(timeout=60) == 0
        first = profile()
        assert first["completion"] == "complete"
        agents.append(watching())
        agents[-1].kill()
        agents[-1].wait(timeout=60)
        assert profile() == first
        agents.append(watching())
        subprocess.run(["runc", "exec", "leadline-long", "/bin/cat", "/etc/shadow"], check=True, timeout=60)
        agents[-1].terminate()
        assert agents[-1].wait(timeout=60) == 0
    finally:
        for agent in agents:
            agent.kill()
            agent.communicate()
        subprocess.run(["runc", "delete", "-f", "leadline-long"], check=True, timeout=60)
    last = profile()
    assert last["reasons"] == ["the agent did not run for a part of the time"]
    assert {tuple(one["arguments"]) for one in last["executed"]} >= {
        ("/bin/sleep", "86400"),
        ("/bin/cat", "/etc/shadow"),
    }
    assert "/etc/shadow" in [one["path"] for one in last["opened"]]


@pytest.mark.kernel
@needs_kernel
def test_check_says_what_this_kernel_allows():
    ran = subprocess.run(
        [*LEADLINE, "agent", "check", "-f", "json"], capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(ran.stdout)
    assert found["problem"] == ""
    assert found["blind"] == {}
    assert {one["name"] for one in found["probes"] if one["works"]} > {"exec", "open", "socket"}


def test_without_rights_a_sentence_says_what_is_missing():
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    ran = subprocess.run(
        ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *LEADLINE, "agent", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert ran.stdout == ""
    assert (
        "the kernel does not let this process load BPF programs; run it as root, or with CAP_BPF"
        in ran.stderr
    )


@pytest.mark.nightly("kernel")
@pytest.mark.kernel
@needs_kernel
def test_a_thousand_short_lived_containers_are_all_seen_alike(agent: Agent, bundle: Path):
    names = [f"leadline-short-{number}" for number in range(1000)]
    for name in names:
        run(bundle, name)
    events, profiles = agent.end()
    opened = [event["container"]["id"] for event in events if event.get("path") == "/etc/shadow"]
    assert sorted(one for one in opened if one.startswith("leadline-short-")) == sorted(names)
    assert len({json.dumps(compared(profiles[name])) for name in names}) == 1
    assert profiles[names[0]]["completion"] == "complete"
