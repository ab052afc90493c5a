"""The whole installation in operation on a real API server: memory, CPU, and how soon a change is an object.

    python -m compileall -q src && python bench/cluster_operation.py [--objects 5000] [--images 200] [--rest 60]
    python bench/cluster_operation.py --churn 60          # 1,000 changes a minute instead of images
    python bench/cluster_operation.py --clusters 2 --objects 20000 --images 0

Three programs run as they do in the chart's pod (API server of results, operator, exporter, which is scraped every 60 s),
each with its own account, against etcd and kube-apiserver. Memory is the proportional set size of a program and its
children. CPU is seconds of the processor, and so holds on a busy machine; times on the wall do not, and the load is shown.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    *(str(ROOT / name) for name in ("src", "tests", "tests/cluster", "bench")),
    *(str(ROOT / "tests/programs" / name) for name in ("apiserver", "operator", "exporter")),
]

# What the container image tells glibc: without it heaps of threads are half of what is measured.
for line in (ROOT / "deploy/images/Containerfile").read_text().splitlines():
    if line.startswith("ENV MALLOC_"):
        os.environ.update(dict(word.split("=") for word in line.split()[1:]))

import cluster_real  # noqa: E402
import control_plane  # noqa: E402
from exporter_process import ExporterProcess  # noqa: E402
from extension import PLACE, Extension  # noqa: E402
from operator_process import OperatorProcess, prepare  # noqa: E402

from image_archives import layer  # noqa: E402
from leadline.vulnerabilities.database_builder import build  # noqa: E402
from leadline.vulnerabilities.feed import Document  # noqa: E402
from registry_process import Registry, real_registry  # noqa: E402
from vulnerabilities.matching.made_database import advisory, feed_of  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
PACKAGES = 120
"""Of each image."""
SCRAPE_S = 60.0
CHANGES = 30
QUIET_S = 20.0
RESULTS = "/apis/spdx.softwarecomposition.kubescape.io/v1beta1"
SCANS = "/apis/leadline.dev/v1alpha1/imagescans"
LONGEST_S = 5_400.0
CHANGES_A_MINUTE = 1_000
KEPT = ("Namespace", "Node")
"""Changed and not deleted."""
control_plane.SERVICE_RANGE = "10.96.0.0/16"  # the tests' has addresses for some 250 Services
Times = dict[str, float]


class Cluster(Extension):
    """Without controllers: what is created stays what was created."""

    def _start_controllers(self) -> None:
        pass


class Programs:
    """The process ids of the programs; their children are counted with them."""

    def __init__(self, pids: dict[str, int]) -> None:
        self.pids = pids
        self.peak_mib: Counter[str] = Counter()
        self.bare_mib: Times = {}
        """At the first rest."""

    def memory_mib(self) -> Times:
        found = {name: sum(map(_pss_mib, _tree(pid))) for name, pid in self.pids.items()}
        for name, size in {**found, "together": sum(found.values())}.items():
            self.peak_mib[name] = max(self.peak_mib[name], size)  # type: ignore[assignment]
        return found

    def cpu_s(self) -> Times:
        return {name: sum(map(_cpu_s, _tree(pid))) for name, pid in self.pids.items()}

    @contextmanager
    def measured(self, title: str, objects: int = 0) -> Iterator[None]:
        """Prints what the programs took meanwhile; for ``objects`` that came, what each takes since the first rest."""
        self.peak_mib.clear()
        began, before = time.monotonic(), self.cpu_s()
        stop = threading.Event()
        watch = threading.Thread(target=self._sample, args=(stop,), daemon=True)
        watch.start()
        try:
            yield
        finally:
            stop.set()
            watch.join()
        took_s = time.monotonic() - began
        after, memory = self.cpu_s(), self.memory_mib()
        print(f"\n{title}: {took_s:.1f} s on the wall, load {os.getloadavg()[0]:.1f}")
        print(f"  {'':12}{'MiB at the end':>16}{'MiB at most':>14}{'CPU s':>9}{'% of a core':>13}")
        rows = {name: (memory[name], self.peak_mib[name], after[name] - before[name]) for name in self.pids}
        rows["together"] = (
            sum(memory.values()),
            self.peak_mib["together"],
            sum(after.values()) - sum(before.values()),
        )
        for name, (size, peak, cpu) in rows.items():
            print(f"  {name:12}{size:16.0f}{peak:14.0f}{cpu:9.1f}{100 * cpu / took_s:13.2f}", flush=True)
        if objects:
            sizes = {name: row[0] for name, row in rows.items()}
            grown = (f"{name} {1024 * (sizes[name] - self.bare_mib[name]) / objects:.1f}" for name in sizes)
            print(f"  KiB for each object: {', '.join(grown)}", flush=True)
        self.bare_mib = self.bare_mib or {name: row[0] for name, row in rows.items()}

    def _sample(self, stop: threading.Event) -> None:
        while not stop.wait(0.5):
            self.memory_mib()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _pss_mib(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _rss_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


def _cpu_s(pid: int) -> float:
    """Its own and that of children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


class Api:
    """kube-apiserver, as an administrator."""

    def __init__(self, cluster: Cluster) -> None:
        cluster.admin()
        import ssl

        tls = ssl.create_default_context(cafile=cluster.authority_file)
        tls.load_cert_chain(cluster.folder / "user-admin.crt", cluster.folder / "user-admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=tls, timeout=120)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        content = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, content, {"Content-Type": kind})
            answer = self._connection.getresponse()
        except (http.client.HTTPException, OSError):
            # The server has closed what was idle for too long; the next request opens it anew.
            self._connection.close()
            self._connection.request(method, path, content, {"Content-Type": kind})
            answer = self._connection.getresponse()
        found = json.loads(answer.read() or b"{}")
        if answer.status >= 400 and answer.status != 404:
            raise RuntimeError(f"{method} {path}: {found.get('message')}")
        return found

    def items(self, path: str) -> list[Any]:
        found: list[Any] = []
        token = ""
        while True:
            page = self.ask("GET", f"{path}?resourceVersion=fullSpec&limit=500&continue={token}")
            found += page["items"]
            token = page["metadata"].get("continue") or ""
            if not token:
                return found


def until(holds: Callable[[], bool], pause_s: float = 1.0) -> float:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > LONGEST_S:
            raise TimeoutError("it never came")
        time.sleep(pause_s)
    return time.monotonic() - began


@contextmanager
def scraped(exporter: ExporterProcess) -> Iterator[list[float]]:
    """Gives the seconds that each scrape takes."""
    stop = threading.Event()
    took: list[float] = []

    def scrape() -> None:
        while not stop.wait(SCRAPE_S):
            began = time.monotonic()
            urllib.request.urlopen(f"http://{exporter.address}/metrics", timeout=30).read()
            took.append(time.monotonic() - began)

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def database(path: Path, number: int) -> None:
    """Two advisories for each package; ``number`` is the day it was built on."""
    facts = [
        advisory(f"CVE-2026-{package}{n}", "Alpine:3.19", f"package-{package}", fixed=f"1.{n + 1}.0-r0")
        for package in range(PACKAGES)
        for n in range(2)
    ]
    build([Document("feed", b"")], [feed_of("feed", facts)], path, built=f"2026-11-{number:02}T12:00:00Z")


def push(registry: Registry, count: int) -> dict[str, str]:
    """Names and digests of images that share a layer and have one of their own."""
    os_release = {"etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n"}
    shared = layer({**os_release, "usr/lib/shared": random.Random(0).randbytes(2**20)})
    made = {}
    for number in range(count):
        rows = (f"P:package-{p}\nV:1.{(p + number) % 3}.0-r0\nA:x86_64\n\n" for p in range(PACKAGES))
        own = {"lib/apk/db/installed": "".join(rows).encode(), "app": random.Random(number).randbytes(2**18)}
        name = f"{registry.host}/team/app-{number}"
        made[f"{name}:1"] = f"{name}@{registry.push_image(f'team/app-{number}', '1', [shared, layer(own)])}"
    return made


def run_pods(api: Api, images: dict[str, str]) -> None:
    for number, (image, id) in enumerate(images.items()):
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"runs-{number}", "namespace": "images"},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }
        made = api.ask("POST", "/api/v1/namespaces/images/pods", body)
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        container = {
            "name": "main",
            "image": image,
            "imageID": id,
            "ready": True,
            "restartCount": 0,
            "state": state,
        }
        status = {"phase": "Running", "containerStatuses": [container]}
        api.ask("PUT", f"/api/v1/namespaces/images/pods/runs-{number}/status", {**made, "status": status})


def change_to_object(api: Api) -> list[float]:
    """Seconds from the answer to a change until its result is stored, by a watch."""
    space, name = "/namespaces/images", "changed"
    container = {"name": "main", "image": "app:1"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    }
    api.ask("POST", f"/apis/apps/v1{space}/deployments", deployment)
    place = f"{RESULTS}{space}/workloadconfigurationscans/deployment-{name}"

    def status() -> str:
        found = api.ask("GET", place)
        return str(
            found.get("spec", {}).get("controls", {}).get("C-0057", {}).get("status", {}).get("status")
        )

    until(lambda: status() == "passed", 0.1)
    took = []
    for number in range(CHANGES):
        time.sleep(random.Random(number).random())
        is_bad = number % 2 == 0
        container["securityContext"] = {"privileged": is_bad}  # type: ignore[assignment]
        patch = {"spec": {"template": template}}
        api.ask("PATCH", f"/apis/apps/v1{space}/deployments/{name}", patch, "application/merge-patch+json")
        began = time.monotonic()
        until(lambda: status() == ("failed" if is_bad else "passed"), 0.02)  # noqa: B023
        took.append(time.monotonic() - began)
    return took


def phases(api: Api, built: str) -> Counter[str]:
    """What became of the images' scans; those by another database wait."""
    found: Counter[str] = Counter()
    for one in api.items(SCANS):
        status = one.get("status") or {}
        is_current = str(status.get("databaseBuiltAt", ""))[:10] == built
        found[status.get("phase", "") if is_current or status.get("phase") != "Done" else "Pending"] += 1
    return found


def scan_images(api: Api, programs: Programs, title: str, images: int, built: str) -> None:
    with programs.measured(title):
        until(lambda: phases(api, built)["Done"] >= images, 2.0)
    print(f"  {dict(phases(api, built))}", flush=True)


def operate(cluster: Cluster, registry: Registry, asked: argparse.Namespace, folder: Path) -> None:
    advisories = folder / "vulnerabilities.db"
    database(advisories, 1)
    prepare(cluster)
    api = Api(cluster)
    for name in ("images", "default"):
        api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}}) if name == "images" else None
        cluster.kubectl("-n", name, "create", "serviceaccount", "default", check=False)
    config = cluster.folder / "exporter.conf"
    config.write_text(cluster.kubeconfig({"token": cluster.token("reader", PLACE)}))
    # Objects are there before the operator, in place of coming while it follows.
    made = create(cluster, asked.objects) if asked.churn else 0
    flags = ["--images-enabled", f"--images-database={advisories}", "--images-accept-any-certificate"]
    # On a busy machine one of the tests' 6 s is lost, and all is read again.
    flags += ["--lease-duration-s=60", "--lease-renew-s=5"]
    operator = OperatorProcess(
        cluster, "one", *flags, f"--images-cache={folder / 'cache'}", "--images-workers=1"
    )
    operator.until(operator.is_following, LONGEST_S)
    with (
        ExporterProcess(cluster.folder, "kube", f"--kubeconfig={config}") as exporter,
        scraped(exporter) as scrapes,
    ):
        pids = {"apiserver": cluster.our_pid, "operator": operator.child.pid, "exporter": exporter.pid}
        programs = Programs(pids)
        if asked.churn:
            judged(exporter, made)
            print(f"{made:,} objects, {_results(exporter):,} results", flush=True)
            churn(api, programs, cluster, asked.churn)
            print(f"  {len(scrapes)} scrapes: {_spread(scrapes)}", flush=True)
            operator.end()
            return
        with programs.measured("at rest"):
            time.sleep(asked.rest)
        took = change_to_object(api)
        print(f"\nchange to object, {len(took)} times: {_spread(took)}", flush=True)
        with programs.measured(f"{asked.objects:,} objects come"):
            made = create(cluster, asked.objects)
            judged(exporter, made)
        print(f"  {made:,} objects, {_results(exporter):,} results", flush=True)
        with programs.measured(f"at rest with {made:,} objects", made):
            time.sleep(asked.rest)
        print(f"\nchange to object, {len(took)} times: {_spread(again(api))}", flush=True)
        if asked.images:
            run_pods(api, push(registry, asked.images))
            scan_images(api, programs, f"{asked.images} images, cold", asked.images, "2026-11-01")
            database(advisories, 2)
            scan_images(api, programs, f"{asked.images} images, another database", asked.images, "2026-11-02")
        with programs.measured(f"at rest with {made:,} objects and {asked.images} images"):
            time.sleep(asked.rest)
        print(f"\nstore: {cluster.database.stat().st_size / 2**20:.1f} MiB")
        print(f"metrics: {len(exporter.metrics()):,} bytes; {len(scrapes)} scrapes: {_spread(scrapes)}")
        warnings = [line for line in operator.log.splitlines() if "lease" in line and " INFO " not in line]
        print(f"the operator began to lead {operator.log.count('one leads')} time(s)", *warnings, sep="\n  ")
    operator.end()


def create(cluster: Cluster, objects: int) -> int:
    """How many were made."""
    cluster_real.TOTAL = objects
    return cluster_real.create(cluster)


def churn(api: Api, programs: Programs, cluster: Cluster, minutes: int) -> None:
    """Changes objects of every kind, one in twenty by deleting it and creating it anew; prints the programs' memory each minute."""
    chance = random.Random(5)
    objects = [(f"{path}/{body['metadata']['name']}", path, body) for path, body in cluster_real.bodies()]
    print(
        f"\n{'minute':>6}{'changes':>9}{'behind s':>9}  MiB (RSS/PSS) of {', '.join(programs.pids)}; store",
        flush=True,
    )
    began, before, made = time.monotonic(), programs.cpu_s(), 0
    for minute in range(1, minutes + 1):
        while made < minute * CHANGES_A_MINUTE:
            time.sleep(max(0.0, began + made * 60 / CHANGES_A_MINUTE - time.monotonic()))
            place, collection, body = chance.choice(objects)
            try:
                if chance.random() < 0.05 and body["kind"] not in KEPT:
                    api.ask("DELETE", f"{place}?gracePeriodSeconds=0&propagationPolicy=Background")
                    api.ask("POST", collection, body)
                else:
                    api.ask("PATCH", place, _changed(body, made, chance), "application/merge-patch+json")
            except RuntimeError as error:
                print(f"refused: {error}", flush=True)
            made += 1
        behind_s = time.monotonic() - began - 60 * minute
        sizes = (
            f"{sum(map(_rss_mib, _tree(pid))):.0f}/{sum(map(_pss_mib, _tree(pid))):.0f}"
            for pid in programs.pids.values()
        )
        store = sum(file.stat().st_size for file in cluster.folder.glob(f"{cluster.database.name}*")) / 2**20
        print(f"{minute:6}{made:9,}{max(0.0, behind_s):9.1f}  {'  '.join(sizes)}; {store:.1f}", flush=True)
    took_s = time.monotonic() - began
    shares = (f"{name} {100 * (cpu - before[name]) / took_s:.1f}" for name, cpu in programs.cpu_s().items())
    print(f"  % of a core: {', '.join(shares)}; load {os.getloadavg()[0]:.1f}", flush=True)


def _changed(body: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """A merge patch: a pod template that shares the node's processes or does not, a value of a ConfigMap, or a label."""
    pod = {"template": {"spec": {"hostPID": chance.random() < 0.5}}}
    match body["kind"]:
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            return {"spec": pod}
        case "CronJob":
            return {"spec": {"jobTemplate": {"spec": pod}}}
        case "ConfigMap":
            return {"data": {"changed": str(number)}}
        case _:
            return {"metadata": {"labels": {"changed": str(number)}}}


def again(api: Api) -> list[float]:
    api.ask("DELETE", "/apis/apps/v1/namespaces/images/deployments/changed")
    place = f"{RESULTS}/namespaces/images/workloadconfigurationscans/deployment-changed"
    until(lambda: api.ask("GET", place).get("kind") == "Status", 0.2)
    return change_to_object(api)


def judged(exporter: ExporterProcess, made: int) -> None:
    """Until there are results of what was created, and for some seconds no more come."""
    seen, since = 0, time.monotonic()

    def is_quiet() -> bool:
        nonlocal seen, since
        count = _results(exporter)
        if count != seen:
            seen, since = count, time.monotonic()
        return count >= made / 2 and time.monotonic() - since > QUIET_S

    until(is_quiet, 3.0)


def _results(exporter: ExporterProcess) -> int:
    name = 'leadline_store_objects{kind="workloadconfigurationscansummaries"}'
    lines = [line for line in exporter.metrics().split("\n") if line.startswith(name)]
    return int(float(lines[0].split()[-1])) if lines else 0


def at_once(clusters: int) -> int:
    """The same with as many clusters at once, each by a process whose lines begin with its number; the worst exit code."""
    words = [word for word in sys.argv[1:] if word != "--clusters"]
    words.remove(str(clusters))
    runs = [
        subprocess.Popen(
            [sys.executable, "-u", __file__, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(clusters)
    ]

    def show(number: int, run: subprocess.Popen[str]) -> None:
        for line in run.stdout or ():
            print(f"{number}: {line}", end="", flush=True)

    threads = [threading.Thread(target=show, args=(n, run)) for n, run in enumerate(runs, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(run.wait() for run in runs)


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"median {statistics.median(ordered):.2f} s, 9 of 10 within {ordered[len(ordered) * 9 // 10]:.2f} s, longest {ordered[-1]:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=5_000)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds that each rest is measured for")
    parser.add_argument(
        "--churn", type=int, default=0, metavar="MINUTES", help="change objects for so long, without images"
    )
    parser.add_argument(
        "--clusters", type=int, default=1, help="so many at once, each with programs of its own"
    )
    asked = parser.parse_args()
    if asked.clusters > 1:
        sys.exit(at_once(asked.clusters))
    cluster = Cluster()
    with tempfile.TemporaryDirectory() as folder, real_registry(Path(folder)) as registry:
        try:
            cluster.start()
            operate(cluster, registry, asked, Path(folder))
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
