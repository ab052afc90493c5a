"""The DaemonSet of the chart on a real node: the agent with three capabilities, and facts of the node that are judged."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from installation import CHART, RELEASE, SUMMARIES, Installation, failed_controls
from kernel_access import needs_kernel
from service_cluster import ServiceCluster
from whole_cluster import IMAGE, NODE

pytestmark = [pytest.mark.cluster, pytest.mark.kernel, pytest.mark.slow, needs_kernel]
TRACING = Path("/sys/kernel/tracing")
PINS = Path("/sys/fs/bpf")
CAPABILITIES = {"NET_ADMIN": 12, "PERFMON": 38, "BPF": 39}
SCRIPT = "read line < /etc/hostname; exec /bin/sleep 86400"
FOLDERS = "/etc,/proc,/usr/lib/systemd,/var/lib"


@pytest.fixture(scope="module")
def tracefs() -> None:
    """Mounted as distributions mount it, where no system manager has done so; it stays, for others may have found it by then."""
    if not (TRACING / "events").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=True)


@pytest.fixture
def node_part(
    services: ServiceCluster, install: Callable[..., Installation], tracefs: None
) -> Callable[..., Installation]:
    """Installs the chart with the DaemonSet, and waits until its containers are ready."""

    def installed(*values: str) -> Installation:
        found = install(
            "persistence.enabled=false",
            "capabilities.vulnerabilityScan=false",
            "capabilities.prometheusExporter=false",
            *values,
            level="privileged",
        )
        services.kubectl(
            *("rollout", "status", "-n", found.namespace, f"daemonset/{RELEASE}-node", "--timeout=120s")
        )
        return found

    return installed


def pod_of(cluster: ServiceCluster, installed: Installation) -> dict[str, Any]:
    (pod,) = [one for one in installed.pods() if one["metadata"]["name"].startswith(f"{RELEASE}-node-")]
    return pod


def id_of(pod: dict[str, Any], container: str) -> str:
    (found,) = [one for one in pod["status"]["containerStatuses"] if one["name"] == container]
    return str(found["containerID"]).rpartition("/")[2]


def process_in(pod: dict[str, Any], container: str) -> Path:
    """The folder in /proc of the first process of a container, found by its control group."""
    id = id_of(pod, container)
    found = []
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if id in path.read_text():
                found.append(path.parent)
        except OSError:
            continue
    return min(found, key=lambda path: int(path.name))


def status_of(process: Path) -> dict[str, str]:
    lines = (line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return {name: value.strip() for name, value in lines}


def programs_of(process: Path) -> set[str]:
    """Ids of the BPF programs that a process holds."""
    lines = [line for path in (process / "fdinfo").iterdir() for line in path.read_text().splitlines()]
    return {line.split()[1] for line in lines if line.startswith("prog_id:")}


def loaded_programs() -> set[str]:
    listed = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, text=True, check=True)
    return {str(one["id"]) for one in json.loads(listed.stdout)}


def left_on_the_node() -> set[str]:
    """Pinned objects, and mounts of the kinds that an agent needs. Others come and go with whatever else runs here."""
    lines = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    kinds = {"bpf", "tracefs", "debugfs", "securityfs", "cgroup2"}
    mounts = {before.split()[4] for before, after in lines if after.split()[0] in kinds}
    return mounts | ({str(path) for path in PINS.rglob("*")} if PINS.is_dir() else set())


def watched_pod(space: str) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", SCRIPT]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": space}, "spec": spec}


def test_the_agent_of_the_chart_sees_pods_with_three_capabilities_and_leaves_nothing(
    services: ServiceCluster, node_part: Callable[..., Installation], shop: str
) -> None:
    before = left_on_the_node()
    profiles = services.folder / "kubelet" / "seccomp"
    profiles.mkdir(exist_ok=True)
    shutil.copy(CHART / "files" / "agent-seccomp.json", profiles)
    installed = node_part(
        "capabilities.configurationScan=false",
        "capabilities.nodeAgent=true",
        "nodeAgent.printEvents=true",
        "nodeAgent.seccompProfile=agent-seccomp.json",
        f"nodeAgent.runtimeSocket={services.socket}",
    )
    pod = pod_of(services, installed)
    process = process_in(pod, "agent")
    status = status_of(process)
    assert int(status["CapEff"], 16) == sum(1 << bit for bit in CAPABILITIES.values())
    assert int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == int(status["CapEff"], 16)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    root = next(line for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
    assert root.split()[5].startswith("ro,")
    spec = json.loads(services._ctr("containers", "info", id_of(pod, "agent")))["Spec"]
    (allowed,) = spec["linux"]["seccomp"]["syscalls"]
    assert "bpf" in allowed["names"]
    assert {"ptrace", "unshare", "mount"} & set(allowed["names"]) == set()
    programs = programs_of(process)
    assert programs <= loaded_programs()

    def log() -> str:
        name = pod["metadata"]["name"]
        return services.kubectl("logs", "-n", installed.namespace, name, "-c", "agent")

    assert "is off" not in "".join(line for line in log().splitlines() if "tracepoint" not in line)
    services.apply(watched_pod(shop))

    def opened() -> list[dict[str, Any]]:
        events = [json.loads(line) for line in log().splitlines() if line.startswith("{")]
        return [
            one["container"]
            for one in events
            if one.get("path") == "/etc/hostname" and one["container"].get("namespace") == shop
        ]

    services.until(lambda: bool(opened()), 60)
    assert [(one["name"], one["pod"], one["image"]) for one in opened()] == [("main", "web", IMAGE)]
    # That it belongs to no controller is known from the watch of pods alone.
    assert [(one["workloadKind"], one["workload"]) for one in opened()] == [("Pod", "web")]
    installed.uninstall()
    services.until(lambda: not process.exists() and not programs & loaded_programs(), 60)
    assert left_on_the_node() <= before


def test_facts_of_the_node_become_objects_and_are_judged(
    services: ServiceCluster, node_part: Callable[..., Installation]
) -> None:
    folders = f"{{{FOLDERS},{services.folder}}}"
    before = kubelets()
    installed = node_part("capabilities.hostFacts=true", f"hostFacts.folders={folders}")
    pod = pod_of(services, installed)
    status = status_of(process_in(pod, "host-facts"))
    assert int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    services.until(lambda: bool(services.get("kubeletinfos", NODE, check=False)), 60)
    services.until(lambda: bool(services.get("kernelversions", NODE, check=False)), 60)
    kernel = services.get("kernelversions", NODE)
    assert kernel["spec"]["content"].strip() == os.uname().release
    assert kernel["metadata"]["ownerReferences"][0]["kind"] == "Node"
    kubelet = services.get("kubeletinfos", NODE)
    if before == kubelets() == 1:  # Another cluster's kubelet may be the one that is found first.
        settings = {one["name"]: one for one in kubelet["spec"]["settings"]}
        assert settings["authorization.mode"]["value"] == "Webhook"
        said = services.kubectl(
            "logs", "-n", installed.namespace, pod["metadata"]["name"], "-c", "host-facts"
        )
        assert "settings are read from files and flags alone" not in said
        installed.settled(
            SUMMARIES,
            installed.namespace,
            lambda found: "C-0177" in failed_controls(found.get(f"kubeletinfo-{NODE}")),
        )
    else:
        judged = f"kubeletinfo-{NODE}"
        installed.settled(SUMMARIES, installed.namespace, lambda found: judged in found)


def kubelets() -> int:
    names = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # It has ended meanwhile.
            names.append(path.read_text())
    return names.count("kubelet\n")
