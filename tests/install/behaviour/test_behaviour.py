"""Six applications are learned, held to what was learned, and work as before; what attackers do fails, and was said to.

``LEADLINE_BEHAVIOUR=web,db`` takes these alone, while something is being fixed.

The agent records them in a cluster of one node, ``harden`` suggests, the diff is applied to the manifests and the policies are
enforced. ``rehearse`` names beforehand what of an attack would be blocked, and nothing of the load.
"""

import json
import os
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from behaviour.applications import (
    IMAGE,
    SERVED,
    SPACE,
    applications,
    attacks,
    chosen,
    load,
    nameserver,
    services,
)
from kernel_access import needs_kernel
from package_image import package_image
from policy_agent import enforcing
from running import running
from service_cluster import ServiceCluster
from whole_cluster import NODE

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.kernel,
    pytest.mark.slow,
    pytest.mark.nightly("behaviour"),
    needs_kernel,
]
ATTACKER = "203.0.113.7"
ROUNDS = 15
CHOSEN = chosen(os.environ.get("LEADLINE_BEHAVIOUR", ""))
LOADED = tuple(name for name in CHOSEN if name in SERVED)
Json = dict[str, Any]


class _Shell(socketserver.BaseRequestHandler):
    """Whoever connects is told to say who it is."""

    shells: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.request.settimeout(5)
        self.request.sendall(b"id\nexit\n")
        answer = self.request.recv(4096)
        if b"uid=" in answer:
            self.shells.append(answer.decode())


class _Pool(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(5)
        if self.request.recv(4096):
            self.request.sendall(b"job\n")


@contextmanager
def attacker(cluster: ServiceCluster) -> Iterator[None]:
    """Somewhere outside of the cluster, at an address of documentation."""
    subprocess.run(["ip", "address", "add", f"{ATTACKER}/32", "dev", cluster.outer], check=True)
    with (
        socketserver.ThreadingTCPServer((ATTACKER, 4444), _Shell) as shell,
        socketserver.ThreadingTCPServer((ATTACKER, 3333), _Pool) as pool,
    ):
        for one in (shell, pool):
            threading.Thread(target=one.serve_forever, daemon=True).start()
        yield
        for one in (shell, pool):
            one.shutdown()


class Shop:
    """The applications in their cluster, and the commands that a person would type."""

    def __init__(self, cluster: ServiceCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.environment = {**os.environ, "KUBECONFIG": cluster.admin(), "COLUMNS": "120"}

    def leadline(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "leadline.programs.cli.main", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, check=False, timeout=300
        )
        return done.returncode, done.stdout or done.stderr

    @contextmanager
    def recorded(self, name: str) -> Iterator[Path]:
        """What the containers do meanwhile, in a file of profiles."""
        profiles = self.folder / f"{name}.jsonl"
        command = [sys.executable, "-m", "leadline.programs.cli.main", "agent", "--cri", self.cluster.socket]
        command += ["--node", NODE, "--profiles", str(profiles)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment) as agent:
            assert agent.stderr is not None
            said = threading.Event()

            def read() -> None:
                for line in agent.stderr or ():
                    print(line, end="")
                    if "watching" in line:
                        said.set()

            threading.Thread(target=read, daemon=True).start()
            try:
                assert said.wait(60)
                yield profiles
            finally:
                agent.send_signal(signal.SIGTERM)
                agent.wait(timeout=120)

    def pod(self, name: str) -> str:
        found = self.cluster.kubectl(
            *("get", "pods", "-n", SPACE, "-l", f"app={name}", "--field-selector=status.phase=Running"),
            *("-o", "jsonpath={.items[*].metadata.name}"),
        ).split()
        return found[-1] if len(found) == 1 else ""

    def log(self, name: str) -> str:
        pod = self.pod(name)
        return self.cluster.kubectl("logs", "-n", SPACE, pod, "--tail=400", check=False) if pod else ""

    def works(self, seconds: float = 420) -> None:
        """Until the load was served ``ROUNDS`` times more, and a run of the cron job has ended well."""
        before = {name: self._last(name) for name in CHOSEN if name != "report"}
        jobs = self._complete_jobs()
        fails = self.log("names").count("fails")

        def is_so() -> bool:
            rounds = {name: self._last(name) - start for name, start in before.items()}
            has_reported = "report" not in CHOSEN or bool(self._complete_jobs() - jobs)
            return min(rounds.values(), default=ROUNDS) >= ROUNDS and has_reported

        try:
            self.cluster.until(is_so, seconds)
        except Exception as error:
            rounds = {name: (start, self._last(name)) for name, start in before.items()}
            logs = "\n".join(f"{name}: {self.log(name)[-600:]}" for name in (*CHOSEN, "load"))
            events = self.cluster.kubectl("get", "pods,jobs", "-n", SPACE, "-o", "wide")
            raise AssertionError(f"not all work: {rounds}\n{logs}\n{events}") from error
        assert self.log("names").count("fails") <= fails

    def _last(self, name: str) -> int:
        """The last round that worked."""
        if name in LOADED:
            text, wanted = self.log("load"), rf"^{name} works (\d+)$"
        else:
            text, wanted = self.log(name), r"^works (\d+)$"
        found = re.findall(wanted, text, re.MULTILINE)
        return int(found[-1]) if found else 0

    def _complete_jobs(self) -> set[str]:
        jobs = self.cluster.get("jobs", "-n", SPACE).get("items", ())
        return {one["metadata"]["uid"] for one in jobs if (one.get("status") or {}).get("succeeded")}

    def attacked(self, name: str, neighbour: str) -> dict[str, bool]:
        """Whether each step of the attack succeeded in a pod of ``name``."""
        # A run of the cron job ends by itself: the next one has long enough to go.
        ending = self.pod(name) if name == "report" else ""
        self.cluster.until(lambda: self.pod(name) not in ("", ending), 150)
        done = {}
        pod = self.pod(name)
        for step, script in attacks(ATTACKER, neighbour).items():
            _Shell.shells.clear()
            command = ["kubectl", f"--kubeconfig={self.cluster.admin()}", "exec", "-n", SPACE, pod]
            run = subprocess.run(
                [*command, "--", "/bin/bash", "-c", script],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            done[step] = bool(_Shell.shells) if step == "shell" else run.returncode == 0
        return done

    def dump(self) -> Path:
        kinds = "pods,services,endpointslices,namespaces"
        file = self.folder / "pods.json"
        file.write_text(self.cluster.kubectl("get", kinds, "-A", "-o", "json"))
        return file


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("behaviour")
    with running(ServiceCluster) as cluster:
        cluster.import_image(package_image(IMAGE, folder))
        cluster.namespace(SPACE)
        yield Shop(cluster, folder)


def kind_of(name: str) -> str:
    return "CronJob" if name == "report" else "Deployment"


def of_workload(outcomes: Json, name: str) -> list[Json]:
    found = []
    for one in outcomes["containers"]:
        workload = one["container"].get("workload", "")
        if workload == name or workload.startswith(f"{name}-"):
            found += one["outcomes"]
    return found


STEPS = {
    "shell": f"{ATTACKER}:4444/TCP",
    "write": "/usr/bin/miner",
    "miner": f"{ATTACKER}:3333/TCP",
    "raw socket": "NET_RAW",
    "token": "serviceaccount",
}
"""What the record of an attack calls each of its steps."""


def test_six_applications_are_held_to_what_they_do_attacks_fail_and_half_a_record_suggests_nothing(
    shop: Shop, tmp_path: Path
):
    cluster, folder = shop.cluster, tmp_path / "manifests"
    folder.mkdir()
    cluster.apply(*services())
    addresses = {
        name: cluster.get("service", name, "-n", SPACE)["spec"]["clusterIP"] for name in (*SERVED, "dns")
    }
    apps = {name: body for name, body in applications(addresses.pop("dns")).items() if name in CHOSEN}
    for name, body in apps.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(body, sort_keys=False))
    neighbour = cluster.pod_addresses.replace(".0/24", ".1")

    with shop.recorded("learned") as learned:
        cluster.apply(nameserver(addresses))
        cluster.until(lambda: bool(shop.pod("dns")), 240)
        cluster.kubectl("apply", "-f", str(folder))
        cluster.apply(load())
        shop.works()
        pods = shop.dump()

    with attacker(cluster):
        with shop.recorded("attacked") as attacked:
            for name in CHOSEN:
                # Where nothing holds them, all attacks succeed: else this test shows nothing.
                assert shop.attacked(name, neighbour) == dict.fromkeys(STEPS, True), name

        hardened = tmp_path / "hardened"
        shutil.copytree(folder, hardened)
        for name in CHOSEN:
            code, text = shop.leadline(
                *("harden", "workload", f"{SPACE}/{kind_of(name)}/{name}", str(hardened), str(pods)),
                *("--profile", str(learned), "-f", "json"),
            )
            assert code == 0, f"{name}: {text}"
            made = json.loads(text)
            print(
                name,
                json.dumps(
                    {
                        key: made[key]
                        for key in ("containers", "networkPolicyBecause", "networkPolicyLeftOpen")
                    }
                ),
            )
            (tmp_path / "diff").write_text(made["patch"])
            subprocess.run(["patch", "-p0", "-i", str(tmp_path / "diff")], check=True, cwd="/")
            if made["networkPolicy"]:
                (hardened / f"{name}-policy.yaml").write_text(yaml.safe_dump(made["networkPolicy"]))

        # What is safe, and what of the attack is not.
        code, text = shop.leadline(
            "rehearse", str(hardened), str(pods), "--profile", str(learned), "-f", "json"
        )
        safe = json.loads(text)
        assert safe["blocked"] == 0, [
            one for c in safe["containers"] for one in c["outcomes"] if one["verdict"] == "blocked"
        ]
        code, text = shop.leadline(
            "rehearse", str(hardened), str(pods), "--profile", str(attacked), "-f", "json"
        )
        assert code == 1
        named = json.loads(text)
        foretold = {
            name: {
                step: {one["verdict"] for one in of_workload(named, name) if mark in one["what"]}
                for step, mark in STEPS.items()
            }
            for name in CHOSEN
        }

        with enforcing(cluster):
            cluster.kubectl("apply", "-f", str(hardened))
            for name in CHOSEN:
                if kind_of(name) == "Deployment":
                    cluster.kubectl("rollout", "status", "-n", SPACE, f"deployment/{name}", "--timeout=110s")
            shop.works()
            outcome = {name: shop.attacked(name, neighbour) for name in CHOSEN}
    missed = {name: [step for step, is_done in steps.items() if is_done] for name, steps in outcome.items()}
    assert not any(missed.values()), (missed, foretold)
    for name, steps in foretold.items():
        for step, verdicts in steps.items():
            assert "blocked" in verdicts, (name, step, verdicts)
    print(
        "safe",
        safe["allowed"],
        "unknown",
        safe["unknown"],
        "foretold",
        named["blocked"],
        time.strftime("%H:%M"),
    )
    suggest_nothing_of_half_a_record(shop, tmp_path)


def suggest_nothing_of_half_a_record(shop: Shop, tmp_path: Path) -> None:
    """The applications run on, held to what they do."""
    with shop.recorded("partial") as partial:
        shop.works()
        pods = shop.dump()
    objects = [shop.cluster.get(kind_of(name), name, "-n", SPACE) for name in CHOSEN]
    manifests = tmp_path / "running.yaml"
    manifests.write_text(yaml.safe_dump_all(objects))
    for name in (one for one in CHOSEN if one != "report"):
        code, text = shop.leadline(
            *("harden", "workload", f"{SPACE}/{kind_of(name)}/{name}", str(manifests), str(pods)),
            *("--profile", str(partial)),
        )
        assert code == 3, (name, text)
        suggested = [
            line for line in text.splitlines() if line.strip().startswith(("suggested: ", "pod: ", "+"))
        ]
        assert suggested == []
        assert (
            "nothing is suggested: all of its profiles are partial (the container was started before the agent"
            in " ".join(text.split())
        )
