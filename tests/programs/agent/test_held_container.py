"""A container is learned, held to what was learned, and runs as before; what attacks do fails in it, and was said to."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kernel_access import needs_kernel

from leadline.model.container import Container
from leadline.model.event import Executed, Opened
from leadline.model.profile import Profile
from leadline.programs.cli.main import main
from leadline.runtime.suggest.seccomp import strict_profile
from leadline.sources.ebpf.event_source import EventSource
from leadline.sources.ebpf.loading import LoadSettings

pytestmark = [pytest.mark.kernel, needs_kernel]
LOAD = "mkdir -p /var/cache/app; echo one > /var/cache/app/one; echo two > /tmp/two; cat /etc/motd; chown 1 /tmp/two; echo works"
ATTACK = "echo miner > /usr/bin/miner || echo refused; chroot / true || echo refused"
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: shop, labels: {app: app}}
spec:
  containers:
  - {name: app, image: app}
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("runc") is None or not Path("/bin/busybox").exists():
        pytest.skip("runc and busybox are not installed")
    folder = tmp_path_factory.mktemp("held")
    for name in ("bin", "usr/bin", "etc", "proc", "dev", "sys", "tmp", "var/cache"):
        (folder / "rootfs" / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "rootfs/bin/busybox")
    for name in ("sh", "cat", "mkdir", "chown", "chroot", "true"):
        (folder / "rootfs/bin" / name).symlink_to("busybox")
    (folder / "rootfs/etc/motd").write_text("hello\n")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    return folder


def run(bundle: Path, name: str, script: str, held: dict[str, Any] | None = None) -> str:
    """What ``script`` prints, in a container as Docker makes it, or held to the security context of ``held``."""
    config = json.loads((bundle / "config.json").read_text())
    default = [
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETGID",
        "SETUID",
        "SYS_CHROOT",
    ]
    context = held["securityContext"] if held else {"capabilities": {"add": default}}
    names = [f"CAP_{one}" for one in context["capabilities"].get("add", ())]
    config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", script]}
    config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), names)
    config["root"]["readonly"] = bool(context.get("readOnlyRootFilesystem"))
    for mount in held["volumeMounts"] if held else ():
        place = mount["mountPath"]
        config["mounts"].append(
            {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}
        )
    folder = bundle / name
    folder.mkdir()
    config["root"]["path"] = str(bundle / "rootfs")
    (folder / "config.json").write_text(json.dumps(config))
    command = ["runc", "run", f"held-{name}"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout


def test_what_the_runtime_does_to_execute_in_a_container_is_not_the_containers(bundle: Path):
    """``kubectl exec`` adds the program and what it does itself: no capability to change users, no keyctl."""
    source = EventSource(LoadSettings())
    try:
        folder = bundle / "entered"
        folder.mkdir()
        config = json.loads((bundle / "config.json").read_text())
        config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", "echo on; exec cat"]}
        config["root"]["path"] = str(bundle / "rootfs")
        (folder / "config.json").write_text(json.dumps(config))
        command, pipe = ["runc", "run", "held-entered"], subprocess.PIPE
        with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "on\n"
            subprocess.run(["runc", "exec", "held-entered", "/bin/cat", "/etc/motd"], check=True, timeout=60)
            child.communicate(timeout=60)
        events = source.read()
        entered = [
            one for one in events if isinstance(one, Executed) and one.arguments[-1:] == ("/etc/motd",)
        ]
        ns_id = entered[-1].ns_id
        own = [one for one in events if one.ns_id == ns_id]
        calls = source.syscalls()[ns_id]
    finally:
        source.close()
    assert not [one for one in own if one.program.startswith("runc")]
    assert "/etc/motd" in [one.path for one in own if isinstance(one, Opened)]
    assert not calls & {"keyctl", "setgroups", "clone", "capset", "unshare"}
    assert {"openat", "write"} <= calls


@pytest.mark.parametrize("gains_no_rights", [True, False])
def test_the_strict_list_lets_the_runtime_start_and_enter_the_container(bundle: Path, gains_no_rights: bool):
    """Without rights to gain the filter is loaded last, else before users and capabilities are set."""
    script = "cat /etc/motd; echo on; exec cat"
    source = EventSource(LoadSettings())
    try:
        assert "on" in run(bundle, f"recorded-{gains_no_rights}", f"{script} < /dev/null")
        events = source.read()
        (first,) = {one.ns_id for one in events if isinstance(one, Executed) and script in str(one.arguments)}
        calls = tuple(sorted(source.syscalls()[first]))
    finally:
        source.close()
    strict = strict_profile([Profile(Container("one"), "complete", (), syscalls=calls)])
    folder = bundle / f"strict-{gains_no_rights}"
    folder.mkdir()
    config = json.loads((bundle / "config.json").read_text())
    config["process"] |= {
        "terminal": False,
        "args": ["/bin/sh", "-c", script],
        "noNewPrivileges": gains_no_rights,
    }
    config["root"]["path"] = str(bundle / "rootfs")
    config["linux"]["seccomp"] = strict
    (folder / "config.json").write_text(json.dumps(config))
    name, pipe = f"held-strict-{gains_no_rights}", subprocess.PIPE
    with subprocess.Popen(["runc", "run", name], cwd=folder, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout is not None
        assert [child.stdout.readline(), child.stdout.readline()] == ["hello\n", "on\n"]

        def enter(*command: str) -> tuple[int, str]:
            words = ["runc", "exec", "--user", "1000:1000", name, *command]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout + done.stderr

        assert enter("/bin/cat", "/etc/motd") == (0, "hello\n")
        code, said = enter("/bin/mkdir", "/tmp/new")
        assert (code, "Operation not permitted" in said) == (1, True), said
        child.communicate(timeout=60)


def test_what_is_learned_is_enough_and_attacks_fail(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    profiles, manifest = tmp_path / "profiles", tmp_path / "app.yaml"
    manifest.write_text(MANIFEST)
    command = [
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "agent",
        "--cri",
        "none",
        "--profiles",
        str(profiles),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stderr is not None
            assert any("watching" in line for line in agent.stderr)
            assert "works" in run(bundle, "load", LOAD)
            assert run(bundle, "attack", ATTACK).strip() == ""
        finally:
            agent.terminate()
            agent.communicate(timeout=60)
    of = {json.loads(line)["container"]["id"]: line for line in profiles.read_text().splitlines()}
    (tmp_path / "load").write_text(of["held-load"])
    (tmp_path / "attack").write_text(of["held-attack"])
    monkeypatch.chdir(tmp_path)
    assert (
        main(["harden", "workload", "shop/Pod/app", "app.yaml", "--own", "--profile", "load", "-f", "json"])
        == 0
    )
    (found,) = json.loads(capfd.readouterr().out)["containers"]
    settings = {one["path"].removeprefix("securityContext."): one["value"] for one in found["suggestions"]}
    folders = found["suggestions"][0]["emptyVolumes"]
    assert (settings["readOnlyRootFilesystem"], folders) == (True, ["/tmp", "/var/cache"])
    mounts = [{"name": f"v{number}", "mountPath": one} for number, one in enumerate(folders)]
    held = {"name": "app", "image": "app", "securityContext": settings, "volumeMounts": mounts}
    # The same load still works, and each step of the attack fails.
    assert "works" in run(bundle, "held", LOAD, held)
    assert run(bundle, "attacked", ATTACK, held).split() == ["refused", "refused"]
    # A rehearsal says so beforehand.
    body = yaml.safe_load(MANIFEST)
    volumes = [{"name": one["name"], "emptyDir": {}} for one in mounts]
    body["spec"] = {"containers": [held], "volumes": volumes}
    manifest.write_text(yaml.safe_dump(body))
    words = ["rehearse", "app.yaml", "--workload", "shop/Pod/app/app", "-f", "json", "--profile"]
    assert main([*words, "load"]) == 0
    assert json.loads(capfd.readouterr().out)["unknown"] == 0
    assert main([*words, "attack"]) == 1
    (row,) = json.loads(capfd.readouterr().out)["containers"]
    blocked = {one["what"]: one["programs"] for one in row["outcomes"] if one["verdict"] == "blocked"}
    assert blocked == {
        "writes /usr/bin/miner": ["/bin/busybox"],
        "uses the capability SYS_CHROOT": ["/bin/busybox"],
        "calls chroot": ["/bin/busybox"],
    }
