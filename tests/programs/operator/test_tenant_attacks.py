"""A tenant with ``admin`` in one namespace tries, for an hour, to see, stop or slow what is known of another's."""

import contextlib
import http.client
import json
import os
import random
import ssl
import statistics
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml
from extension import GROUPS, PLACE, ROOT, Extension
from operator_process import OperatorProcess, prepare, status_of
from workloads import deployment, privileged

from leadline.api.catalogue import KINDS as CATALOGUE

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("kills")]
MINUTES = float(os.environ.get("LEADLINE_TENANT_MINUTES", "60"))
REST_S = float(os.environ.get("LEADLINE_TENANT_REST_S", "0"))
"""Of each of its four programs between two attacks: on a machine that others use as well."""
SECRET = "vault-7f3a"
"""Name of the victim's workload, and of one of the tenant's own."""
OF_VICTIM = b'"victim"'
"""The namespace of the victim, as results have it: in no answer to the tenant."""
KINDS = tuple(kind.plural for kind in CATALOGUE)
LASTING = ("runtimealerts.leadline.dev", "containerprofiles.spdx.softwarecomposition.kubescape.io")
"""Those of the victim's objects that the operator does not take away by itself, for being about nothing."""
RESULTS = "workloadconfigurationscansummaries"
LONGEST_S = 30.0
"""Until a change of the victim's is stored, of 99 in 100, and for one list of its results."""
STUCK_S = 180.0
"""After which it is not waited for any more."""


class Tenant:
    """Asks kube-apiserver, or our server directly, and keeps what it learnt that it must not know."""

    def __init__(self, cluster: Extension, token: str, seed: int) -> None:
        self.asked: Counter[int] = Counter()
        self.leaks: list[str] = []
        self.changed: list[str] = []
        self._cluster, self._token = cluster, token
        self.chance = random.Random(seed)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, ours: bool = False, **headers: str
    ) -> int:
        where = urlsplit(self._cluster.our_url if ours else self._cluster.url)
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, timeout=60, context=context
        )
        kept = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        try:
            connection.request(
                method, path, body, {**kept, **{k.replace("_", "-"): v for k, v in headers.items()}}
            )
            answer = connection.getresponse()
            text = answer.read(4 << 20)
        except (OSError, http.client.HTTPException):
            self.asked[0] += 1
            return 0
        finally:
            connection.close()
        self.asked[answer.status] += 1
        if OF_VICTIM in text and answer.status < 300:
            self.leaks.append(f"{method} {path}: {text[:200]!r}")
        if answer.status < 300 and method != "GET" and "/victim" in path and ours:
            self.changed.append(f"{method} {path}")
        return answer.status


def root(chance: random.Random) -> str:
    group, version = chance.choice(GROUPS)
    return f"/apis/{group}/{version}"


def look(tenant: Tenant) -> None:
    """Another's results: by names, lists, watches, selectors, tokens and paths."""
    chance, kind = tenant.chance, tenant.chance.choice(KINDS)
    space = chance.choice(
        (
            "victim",
            "evil/../victim",
            "evil%2f..%2fvictim",
            "victim%00",
            "*",
            "evil,victim",
            "",
            "%76ictim",
            "./victim",
        )
    )
    query = chance.choice(
        ("", "?watch=1&timeoutSeconds=1", "?fieldSelector=metadata.namespace%3Dvictim", "?limit=1&continue=" + quote(chance.choice(("eyJ2IjoxfQ==", "AAAA", "0", "'; --"))),
         "?resourceVersion=0", "?resourceVersion=fullSpec", "?labelSelector=a+notin+(b)", "?sendInitialEvents=true&watch=1&resourceVersionMatch=NotOlderThan&timeoutSeconds=1")
    )  # fmt: skip
    within = f"/namespaces/{space}" if space else ""
    name = chance.choice(
        ("", f"/deployment-{SECRET}", "/..%2f..%2fvictim", "/%2e%2e/", "//", f"/deployment-{SECRET}/status")
    )
    tenant.ask("GET", f"{root(chance)}{within}/{kind}{name}{query}", ours=chance.random() < 0.3)


def pretend(tenant: Tenant) -> None:
    """To be another: the headers of the aggregator and of impersonation."""
    headers = {
        "X_Remote_User": "system:admin",
        "X_Remote_Group": "system:masters",
        "Impersonate_User": "system:serviceaccount:leadline:leadline-operator",
        "Impersonate_Group": "system:masters",
        "X_Forwarded_For": "127.0.0.1",
    }
    some = {name: headers[name] for name in tenant.chance.sample(sorted(headers), 3)}
    path = f"{root(tenant.chance)}/namespaces/victim/{tenant.chance.choice(KINDS)}"
    tenant.ask("GET", path, ours=tenant.chance.random() < 0.7, **some)


def write(tenant: Tenant) -> None:
    """Over another's results, and over its own to reach another's."""
    chance = tenant.chance
    space = chance.choice(("victim", "victim", "evil", "leadline"))
    path = f"{root(chance)}/namespaces/{space}/{chance.choice(KINDS)}"
    name = f"deployment-{SECRET}"
    whole = {
        "apiVersion": "spdx.softwarecomposition.kubescape.io/v1beta1",
        "kind": "WorkloadConfigurationScan",
        "metadata": {"name": name, "namespace": chance.choice(("victim", "evil"))},
        "spec": {"controls": {}},
    }
    ours = chance.random() < 0.5
    match chance.randrange(6):
        case 0:
            tenant.ask("POST", path, json.dumps(whole).encode(), ours=ours)
        case 1:
            tenant.ask("PUT", f"{path}/{name}", json.dumps(whole).encode(), ours=ours)
        case 2:
            tenant.ask("DELETE", f"{path}/{chance.choice((name, ''))}", ours=ours)
        case 3:
            patch = b'[{"op":"remove","path":"/spec/controls"}]'
            tenant.ask(
                "PATCH", f"{path}/{name}", patch, ours=ours, content_type="application/json-patch+json"
            )
        case 4:
            bomb = b"x: " + b":".join([b"1"] + [b"59"] * 40_000)
            tenant.ask(
                "PATCH",
                f"{path}/{name}?fieldManager=x",
                bomb,
                ours=ours,
                content_type="application/apply-patch+yaml",
            )
        case _:
            tenant.ask("POST", path, b"[" * 200_000, ours=ours)


def crowd(tenant: Tenant) -> None:
    """Watches that stay, of its own namespace, until they are refused."""
    path = f"{root(tenant.chance)}/namespaces/evil/{tenant.chance.choice(KINDS)}?watch=1&timeoutSeconds=20"
    threads = [threading.Thread(target=tenant.ask, args=("GET", path)) for _ in range(30)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def fill(tenant: Tenant) -> None:
    """Its own namespace with what costs the operator time, or is to be taken for another's."""
    chance = tenant.chance
    name = chance.choice((SECRET, f"x{chance.randrange(40)}", "a" * 63))
    labels = {f"l{n}": "v" * 60 for n in range(chance.choice((0, 5, 300)))}
    body: dict[str, Any] = privileged("evil", name, replicas=0)
    body["metadata"]["labels"] = labels
    body["metadata"]["annotations"] = {
        "leadline.dev/accept": "C-0057",
        "leadline.dev/accept-reason": "x" * chance.choice((1, 100_000)),
    }
    body["spec"]["template"]["spec"]["containers"] *= 1
    exception = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": f"e{chance.randrange(30)}", "namespace": "evil"},
        "spec": {
            "reason": "x",
            "posture": [{"controlID": "C-0057", "action": "ignore"}],
            "match": {"resources": [{"kind": "Deployment", "name": "*" * chance.choice((1, 60))}]},
        },
    }
    match chance.randrange(4):
        case 0:
            tenant.ask("POST", "/apis/apps/v1/namespaces/evil/deployments", json.dumps(body).encode())
        case 1:
            tenant.ask("DELETE", f"/apis/apps/v1/namespaces/evil/deployments/{name}")
        case 2:
            big = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"c{chance.randrange(20)}", "namespace": "evil"},
                "data": {"a.yaml": "- " * 300_000},
            }
            path = "/api/v1/namespaces/evil/configmaps"
            tenant.ask("POST", path, json.dumps(big).encode())
            tenant.ask("DELETE", f"{path}/{big['metadata']['name']}")  # type: ignore[index]
        case _:
            path = "/apis/kubescape.io/v1beta1/namespaces/evil/securityexceptions"
            tenant.ask("POST", path, json.dumps(exception).encode())
            tenant.ask("DELETE", f"{path}/{exception['metadata']['name']}")  # type: ignore[index]


class Pulse:
    """Asks our server all the time whether it is ready, and knows how long it took: a server that stalls slows everybody."""

    def __init__(self, cluster: Extension) -> None:
        self.seconds: list[float] = []
        self.overslept: list[float] = []
        """How much later than asked this thread woke up: what the machine takes, and not the server."""
        self._cluster = cluster

    def run(self, ends: threading.Event) -> None:
        while not ends.is_set():
            began = time.monotonic()
            ends.wait(0.2)
            woke = time.monotonic()
            self.overslept.append(woke - began - 0.2)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(
                    f"{self._cluster.our_url}/readyz", timeout=STUCK_S, context=self._cluster.tls()
                ).close()
            self.seconds.append(time.monotonic() - woke)


def is_stored(cluster: Extension, wanted: str) -> bool:
    """Not where kube-apiserver takes our server for away: that is waited for as well."""
    try:
        return status_of(cluster, "victim", f"deployment-{SECRET}", "C-0057") == wanted
    except RuntimeError as error:
        if "ServiceUnavailable" not in str(error):
            raise
        return False


WAYS: tuple[Callable[[Tenant], None], ...] = (look, look, pretend, write, fill, fill, crowd)


def test_nothing_of_another_is_seen_stopped_or_slowed(private_extension: Extension):
    cluster = private_extension
    prepare(cluster)
    cluster.namespace("victim")
    cluster.namespace("evil")
    shown = ("--show-only", "templates/access.yaml")
    chart = ["helm", "template", "leadline", str(ROOT / "deploy" / "chart"), "-n", PLACE, *shown]
    made = subprocess.run(chart, capture_output=True, text=True, check=True).stdout
    roles = [
        one for one in yaml.safe_load_all(made) if one and one["kind"] == "ClusterRole" and "aggregate-to" in str(one["metadata"])
    ]  # fmt: skip
    assert roles
    cluster.apply(*roles)
    cluster.kubectl("-n", "evil", "create", "serviceaccount", "tenant")
    cluster.kubectl(
        "-n", "evil", "create", "rolebinding", "tenant", "--clusterrole=admin", "--serviceaccount=evil:tenant"
    )
    cluster.apply(privileged("victim", SECRET, replicas=0))
    for kind in (kind for kind in CATALOGUE if kind.is_namespaced and not kind.is_computed):
        one = {"apiVersion": kind.api_version, "kind": kind.name}
        cluster.apply({**one, "metadata": {"name": SECRET, "namespace": "victim"}})
    operator = OperatorProcess(cluster, "one")
    seed = int(os.environ.get("LEADLINE_SEED", "22"))
    tenants = [Tenant(cluster, cluster.token("tenant", "evil"), seed + number) for number in range(4)]
    ends = threading.Event()

    def attack(tenant: Tenant) -> None:
        while not ends.is_set():
            tenant.chance.choice(WAYS)(tenant)
            ends.wait(REST_S)

    pulse = Pulse(cluster)
    threads = [threading.Thread(target=attack, args=(one,)) for one in tenants]
    threads.append(threading.Thread(target=pulse.run, args=(ends,)))
    lists: list[float] = []
    delays: list[float] = []
    try:
        operator.until(lambda: status_of(cluster, "victim", f"deployment-{SECRET}", "C-0057") == "failed")
        # The tenant may read its own, so that what is refused is refused for being another's.
        cluster.until(
            lambda: (
                tenants[0].ask("GET", f"/apis/{GROUPS[0][0]}/{GROUPS[0][1]}/namespaces/evil/{RESULTS}") == 200
            )
        )
        for one in threads:
            one.start()
        until = time.monotonic() + MINUTES * 60
        is_good = False
        while time.monotonic() < until:
            is_good = not is_good
            began = time.monotonic()
            make = deployment if is_good else privileged
            cluster.apply(make("victim", SECRET, replicas=0))
            wanted = "passed" if is_good else "failed"
            operator.until(lambda wanted=wanted: is_stored(cluster, wanted), STUCK_S)
            delays.append(time.monotonic() - began)
            began = time.monotonic()
            cluster.kubectl("-n", "victim", "get", RESULTS, check=False)
            lists.append(time.monotonic() - began)
            time.sleep(2)
    finally:
        ends.set()
        for one in threads:
            if one.ident is not None:
                one.join()
        operator.end()
    asked = sum((one.asked for one in tenants), Counter())
    print(
        f"{MINUTES:g} minutes, seed {seed}: {sum(asked.values())} requests {dict(sorted(asked.items()))}; {len(delays)} changes of the "
        f"victim's, stored after {statistics.median(delays):.2f} s median, {max(delays):.2f} s at most; lists {statistics.median(lists):.2f} s "
        f"median, {max(lists):.2f} s at most (with kubectl's start); /readyz {statistics.median(pulse.seconds):.3f} s median, "
        f"{max(pulse.seconds):.2f} s at most, {sum(one > 1 for one in pulse.seconds)} of {len(pulse.seconds)} over a second; the test "
        f"itself woke up late by {max(pulse.overslept):.2f} s at most",
        flush=True,
    )
    assert [leak for one in tenants for leak in one.leaks] == []
    assert [change for one in tenants for change in one.changed] == []
    for plural in LASTING:
        cluster.kubectl("-n", "victim", "get", plural, SECRET)
    assert sorted(delays)[(len(delays) - 1) * 99 // 100] < LONGEST_S
    assert max(lists) < LONGEST_S
    assert asked[403] > 100
