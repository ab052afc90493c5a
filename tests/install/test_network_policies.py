"""The chart's NetworkPolicies, enforced: everything works, and nothing else is let through.

Which connections are let through is held by tables beside this; what is here shows that those tables are about something.
"""

import json
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from installation import (
    MANIFEST_SUMMARIES,
    RELEASE,
    SERVED,
    SUMMARIES,
    Installation,
    failed_controls,
)
from leadline_image import REPOSITORY
from outside import Outside, published_database
from policy_agent import enforcing
from processes import NotReadyError
from service_cluster import ServiceCluster
from workloads import deployment

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]

FRIENDS, STRANGERS = "monitoring", "strangers"
LISTENING = 8080
"""Of the pods of others."""
DEAD = 9999
"""Nobody listens there: refused at once where packets pass, no answer where they do not."""
PATIENCE_S = 4
TRY = f"""
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def tried(one):
    kind, host, port = one.split()
    if kind == "UDP":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout({PATIENCE_S})
            asking.sendto(b"name?", (host, int(port)))
            try:
                return asking.recv(100) and "answered"
            except OSError:
                return "nothing"
    try:
        socket.create_connection((host, int(port)), timeout={PATIENCE_S}).close()
        return "answered"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "nothing"

with ThreadPoolExecutor(20) as pool:
    print(json.dumps(list(pool.map(tried, sys.argv[1:]))))
"""


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(data, self.client_address)


class _Accepts(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """It connected; that is all."""


@pytest.fixture(scope="module")
def names(services: ServiceCluster) -> Iterator[None]:
    """What answers at the port of name servers, outside of the cluster."""
    with socketserver.ThreadingUDPServer((services.gateway, 53), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture(scope="module")
def elsewhere(services: ServiceCluster) -> Iterator[int]:
    """The port of a server outside of the cluster that Leadline has no business with."""
    with socketserver.ThreadingTCPServer((services.gateway, 0), _Accepts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def confined(
    services: ServiceCluster, tmp_path_factory: pytest.TempPathFactory, outside: Outside
) -> Iterator[Installation]:
    """Installed under an agent that enforces, with metrics for one namespace, and ports as they are here."""
    folder = tmp_path_factory.mktemp("confined")
    with published_database(folder, services.gateway) as (address, key), enforcing(services):
        port = int(outside.registry.host.rpartition(":")[2])
        friends = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": FRIENDS}}}
        values = folder / "values.yaml"
        values.write_text(
            yaml.safe_dump(
                {
                    "persistence": {"enabled": False},
                    "vulnerabilityDatabase": {"address": address, "publicKey": key},
                    "networkPolicy": {"registryPorts": [port], "metricsFrom": [friends]},
                    "operator": {"settings": {"images": {"acceptAnyCertificate": True, "gapS": 0}}},
                }
            )
        )
        installation = Installation(services, RELEASE)
        try:
            installation.install(file=values)
            yield installation
        finally:
            installation.clear()


@pytest.fixture(scope="module")
def pods(services: ServiceCluster) -> Iterator[dict[str, str]]:
    """A pod in each of two namespaces, by which others ask: their addresses."""
    serve = (
        f"import http.server as h; h.HTTPServer(('', {LISTENING}), h.BaseHTTPRequestHandler).serve_forever()"
    )
    for space in (FRIENDS, STRANGERS):
        services.namespace(space)
        main = {
            "name": "main",
            "image": f"{REPOSITORY}:test",
            "imagePullPolicy": "Never",
            "command": ["python3", "-c", serve],
        }
        services.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "pod", "namespace": space},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            }
        )
    found = {}
    for space in (FRIENDS, STRANGERS):
        services.kubectl("wait", "-n", space, "--for=condition=Ready", "pod/pod", "--timeout=60s")
        found[space] = services.get("pod", "pod", "-n", space)["status"]["podIP"]
    yield found
    services.kubectl("delete", "namespace", FRIENDS, STRANGERS, "--timeout=90s")


Connections = dict[tuple[str, ...], dict[str, str]]
"""By the pod that asks: what becomes of each of ``TCP 10.0.0.1 80``."""


def of_each(cluster: ServiceCluster, asked: Connections) -> Connections:
    """What becomes of them now. All at once: what is not answered takes its time."""

    def tried(where: tuple[str, ...]) -> dict[str, str]:
        said = cluster.kubectl("exec", *where, "--", "python3", "-c", TRY, *asked[where])
        return dict(zip(asked[where], json.loads(said), strict=True))

    with ThreadPoolExecutor(len(asked)) as pool:
        return dict(zip(asked, pool.map(tried, asked), strict=True))


def expect(cluster: ServiceCluster, asked: Connections) -> None:
    """Waits until it is so: on a busy machine an answer may come too late once."""
    try:
        cluster.until(lambda: of_each(cluster, asked) == asked, 60)
    except NotReadyError:
        assert of_each(cluster, asked) == asked


def is_silent(cluster: ServiceCluster, asked: Connections) -> bool:
    found = of_each(cluster, asked)
    return {said for one in found.values() for said in one.values()} == {"nothing"}


def test_all_programs_do_their_work(
    services: ServiceCluster, confined: Installation, outside: Outside, shop: str
) -> None:
    services.apply(deployment(shop, "till", outside.push("shop/till"), securityContext={"privileged": True}))
    confined.settled(SUMMARIES, shop, lambda found: "C-0057" in failed_controls(found.get("deployment-till")))
    confined.settled(MANIFEST_SUMMARIES, shop, bool)
    (summary,) = confined.stored(MANIFEST_SUMMARIES, shop).values()
    assert summary["spec"]["severities"]["critical"]["all"] == 1
    (pod,) = confined.pods()
    assert all(one["ready"] and not one["restartCount"] for one in pod["status"]["containerStatuses"])


def test_what_no_program_needs_is_let_through_by_no_policy(
    services: ServiceCluster,
    confined: Installation,
    pods: dict[str, str],
    names: None,
    elsewhere: int,
) -> None:
    ours = confined.pods()[0]["status"]["podIP"]
    friend, stranger = ((f"-n={space}", "pod") for space in (FRIENDS, STRANGERS))
    operator = (f"-n={confined.namespace}", f"deployment/{RELEASE}", "-c", "operator")
    wanted = {
        friend: {f"TCP {ours} 8080": "answered", f"TCP {ours} 8443": "answered"},
        stranger: {f"TCP {ours} 8443": "answered", f"TCP {pods[FRIENDS]} {LISTENING}": "answered"},
        operator: {"TCP 10.96.0.1 443": "answered", f"UDP {services.gateway} 53": "answered"},
    }
    unwanted = {
        friend: {f"TCP {ours} {DEAD}": "refused"},
        stranger: {f"TCP {ours} 8080": "answered", f"TCP {ours} {DEAD}": "refused"},
        operator: {
            f"TCP {services.gateway} {elsewhere}": "answered",
            f"TCP {pods[STRANGERS]} {LISTENING}": "answered",
            f"TCP {services.host} {DEAD}": "refused",
        },
    }
    expect(services, wanted)
    services.until(lambda: is_silent(services, unwanted), 60)
    written = services.get("networkpolicies", "-n", confined.namespace)["items"]
    services.kubectl("delete", "networkpolicy", "-n", confined.namespace, "--all")
    expect(services, unwanted)
    services.apply(*written)
    services.until(lambda: is_silent(services, unwanted), 60)


def test_what_takes_the_apiservices_away_reaches_kube_apiserver(
    services: ServiceCluster, confined: Installation
) -> None:
    confined.uninstall()
    left = services.kubectl("get", "apiservices", "-o", "name")
    assert not [name for name in SERVED if name in left]
