"""The chart's sender and a provider on another machine: what is stored in the cluster arrives, whatever is away for a while."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from certificates import Authority
from installation import RELEASE, SUMMARIES, Installation, failed_controls
from policy_agent import enforcing
from processes import Program, free_port
from service_cluster import ServiceCluster
from workloads import deployment

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]
SENDER = "app.kubernetes.io/component=submit"
PATIENCE_S = 240.0
LEADLINE = (sys.executable, "-m", "leadline.programs.cli.main")


class Outpost:
    """A provider on this machine, by TLS, whose token of ``shop-eu`` is bound to a client certificate."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder, self.host, self.port = folder, host, free_port()
        self.data = folder / "provider"
        self._authority = Authority(folder, "ca")
        self._certificate = self._authority.issue("server", host, hosts=(host,))
        self.client = self._authority.issue("sender", "shop-eu.senders.example")
        self.provider("init", "--name", "provider.example")
        self.token = self.provider("add-source", "shop-eu", "--every", "24h").strip()
        self.second = self.provider("add-source", "by-hand").strip()
        self._reader = self.provider("add-reader", "wall").strip()
        self._readers = folder / "readers.toml"
        self._readers.write_text(
            f'[tokens]\nca = "{self.ca}"\n[tokens.names]\nshop-eu = "shop-eu.senders.example"\n'
        )
        self._program: Program | None = None

    @property
    def ca(self) -> Path:
        return self._authority.file

    @property
    def address(self) -> str:
        return f"https://{self.host}:{self.port}"

    def provider(self, *words: str) -> str:
        return run("provider", *words, "--data", str(self.data))

    def start(self) -> None:
        certificate, key = map(str, self._certificate)
        command = [*LEADLINE, "provider", "serve", "--data", str(self.data), "--readers", str(self._readers)]
        where = ["--host", self.host, "--port", str(self.port), "--certificate", certificate, "--key", key]
        self._program = Program(self.folder, "provider-serve", [*command, *where])
        self._program.wait_until(self._answers)

    def kill(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program = None

    def ask(self, path: str, **query: str) -> Any:
        url = f"{self.address}{path}?{urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._reader}"})
        with urllib.request.urlopen(request, context=self._trust, timeout=30) as answer:
            return json.load(answer)

    def findings(self, source: str) -> set[tuple[str, str, str, str]]:
        """Namespace, kind and name of an object, and the control that fails there, accepted or not."""
        found: set[tuple[str, str, str, str]] = set()
        for state in ("open", "accepted"):
            page: dict[str, Any] = {"next": ""}
            while True:
                query = {"source": source, "state": state, "limit": "1000", "cursor": page["next"]}
                page = self.ask("/v1/findings", **query)
                found |= {(o["namespace"], o["kind"], o["name"], o["control"]) for o in page["items"]}
                if not page["next"]:
                    break
        return found

    @property
    def _trust(self) -> SSLContext:
        return create_default_context(cafile=str(self.ca))

    def _answers(self) -> bool:
        try:
            return bool(self.ask("/v1/sources"))
        except OSError:
            return False


def run(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [*LEADLINE, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "", "HOME": "/nonexistent", **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def outpost(services: ServiceCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outpost]:
    made = Outpost(tmp_path_factory.mktemp("provider"), services.gateway)
    made.start()
    yield made
    made.kill()


def test_nothing_is_lost_while_a_provider_or_its_sender_is_away(
    services: ServiceCluster, installation: Installation, outpost: Outpost, tmp_path: Path
) -> None:
    services.kubectl(
        *("create", "secret", "generic", "provider", "-n", installation.namespace),
        *(f"--from-literal=token={outpost.token}", f"--from-file=ca.crt={outpost.ca}"),
        *(f"--from-file=tls.crt={outpost.client[0]}", f"--from-file=tls.key={outpost.client[1]}"),
    )
    submit = {
        "server": f"{outpost.address}/shop-eu",
        "secretName": "provider",
        "privateCa": True,
        "clientCertificate": True,
    }
    (values := tmp_path / "values.yaml").write_text(
        yaml.safe_dump({"persistence": {"enabled": False}, "submit": submit})
    )
    without = ("capabilities.vulnerabilityScan=false", "capabilities.prometheusExporter=false")
    volume = installation.with_volume(services)
    with enforcing(services):
        services.apply(deployment("shop", "till", securityContext={"privileged": True}))
        installation.install(*volume, *without, file=values)
        await_findings(services, outpost, "till", lambda found: "C-0057" in found)

        outpost.kill()
        services.kubectl("delete", "deployment/till", "-n", "shop")
        services.apply(deployment("shop", "desk", securityContext={"privileged": True}))
        installation.settled(
            SUMMARIES, "shop", lambda found: "C-0057" in failed_controls(found.get("deployment-desk"))
        )
        services.until(lambda: "not delivered: " in sender_log(services, installation), PATIENCE_S)
        # The one that goes on has nothing but the outbox of the one before.
        services.kubectl("delete", "pod", "-n", installation.namespace, "-l", SENDER)
        outpost.start()
        await_findings(services, outpost, "desk", lambda found: "C-0057" in found)
        await_findings(services, outpost, "till", lambda found: not found)

        services.until(
            lambda: outpost.findings("shop-eu") == sent_by_hand(services, outpost, tmp_path), PATIENCE_S
        )
    assert outpost.ask("/v1/alerts")["items"] == []
    key = str(outpost.data / "key.txt")
    run("provider", "verify", str(outpost.data / "logs" / "default" / "shop-eu"), "--key", key)
    (pod,) = services.get("pods", "-n", installation.namespace, "-l", SENDER)["items"]
    assert pod["status"]["phase"] == "Running"


def sent_by_hand(services: ServiceCluster, outpost: Outpost, folder: Path) -> set[tuple[str, str, str, str]]:
    """As ``provider send`` of a person sends what the cluster has stored, with another token, which needs no certificate."""
    run(
        *("provider", "send", f"{outpost.address}/by-hand", "--from-store=kube", "--once"),
        *(f"--kubeconfig={services.admin()}", f"--ca={outpost.ca}", f"--outbox={folder / 'outbox.db'}"),
        LEADLINE_SUBMIT_TOKEN=outpost.second,
    )
    return outpost.findings("by-hand")


def sender_log(services: ServiceCluster, installation: Installation) -> str:
    return services.kubectl("logs", "-n", installation.namespace, f"deployment/{RELEASE}-submit", check=False)


def await_findings(
    services: ServiceCluster, outpost: Outpost, name: str, is_so: Callable[[set[str]], bool]
) -> None:
    def controls() -> set[str]:
        page = outpost.ask("/v1/findings", source="shop-eu", namespace="shop", name=name, limit="1000")
        return {one["control"] for one in page["items"]}

    services.until(lambda: is_so(controls()), PATIENCE_S)
