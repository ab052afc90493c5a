"""What the agent takes: processor time, memory and losses under loads, and what each system call of others pays.

As root, on a kernel that allows BPF; needs gcc and containerd. The agent is the product's own process with learning on, a container
runtime to ask and the pods of its node to follow, on one processor; the load is a process in a mount namespace and control group of
its own, on another one.

    sudo python bench/agent.py              every load once, system calls in alternating pairs
    sudo python bench/agent.py exec walk    some
    sudo python bench/agent.py exec -- --no-alerts    options of the agent: without rules
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
LOADS = {
    "exec": ("exec", "833", "15", "{true}"),
    "exec varied": ("exec", "833", "15", "{true}", "varied"),
    "mix": ("mix", "20", "{files}"),
    "opens": ("opens", "0", "8", "{files}", "100"),
    "new files": ("opens", "5000", "8", "{files}", "200000"),
    "walk": ("opens", "0", "8", "{files}", "200000"),
}
"""50,000 executions a minute; the published mix; the same files again and again; a program that walks through all files."""
ROUNDS = 5


def usage(pid: int) -> tuple[float, float]:
    """Processor seconds and the most memory in MiB so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = next(
        row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmHWM")
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(memory.split()[1]) / 1024


class Pods(BaseHTTPRequestHandler):
    """The watch of a node with 100 pods on which nothing changes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        for number in range(100):
            labels = {f"label-{n}": "x" * 40 for n in range(10)}
            metadata = {"name": f"pod-{number}", "namespace": "shop", "uid": str(number), "labels": labels}
            containers = [
                {"name": "main", "image": "shop/web:1", "env": [{"name": "A", "value": "x" * 2000}]}
            ]
            pod = {"metadata": metadata, "spec": {"containers": containers}}
            self.wfile.write(json.dumps({"type": "ADDED", "object": pod}).encode() + b"\n")
        self.wfile.flush()
        self.server.held.wait()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def surroundings(folder: Path):
    """Options and environment of an agent in a cluster: a real containerd, and a server that has pods."""
    socket = folder / "containerd.sock"
    settings = folder / "containerd.toml"
    settings.write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n[grpc]\n  address = "{socket}"\n'
        f'[ttrpc]\n  address = "{folder}/ttrpc.sock"\n'
    )
    command = ["containerd", "--config", str(settings)]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pods)
    server.held = threading.Event()
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = folder / "kubeconfig"
    cluster = f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{server.server_port}'}}}}]"
    config.write_text(f"{cluster}\ncontexts: [{{name: c, context: {{cluster: c}}}}]\ncurrent-context: c\n")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as runtime:
        while not socket.is_socket():
            if runtime.poll() is not None:
                raise SystemExit("containerd has ended")
            time.sleep(0.1)
        try:
            yield ("--cri", str(socket), "--node", "node1"), {"KUBECONFIG": str(config)}
        finally:
            runtime.terminate()
            server.held.set()
            server.shutdown()


@contextmanager
def agent(*options: str, environ: dict[str, str] | None = None):
    """The process, once it watches; and its last line of losses."""
    command = [
        "taskset",
        "-c",
        "1",
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "agent",
        "--json",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), **(environ or {})}
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    for line in child.stderr:
        if "watching" in line:
            break
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)


def load(words: tuple[str, ...], program: Path, *, contained: bool) -> dict:
    group = Path("/sys/fs/cgroup/pids/leadline-bench")
    place = group if group.parent.is_dir() else Path("/sys/fs/cgroup/leadline-bench")
    place.mkdir(exist_ok=True)
    enter = f"echo $$ > {place}/cgroup.procs; exec unshare -m" if contained else "exec"
    command = f"{enter} taskset -c 0 {program} {' '.join(words)}"
    try:
        return json.loads(
            subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
        )
    finally:
        place.rmdir()


def scrape(port: int) -> dict[str, float]:
    from urllib.request import urlopen

    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        rows = (row.rpartition(" ") for row in answer.read().decode().splitlines() if not row.startswith("#"))
        return {name: float(value) for name, _, value in rows}


def main() -> None:
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    wanted, options = sys.argv[1:end] or [*LOADS, "calls"], sys.argv[end + 1 :]
    with TemporaryDirectory() as folder:
        program, true, files = (Path(folder, name) for name in ("load", "true", "files"))
        subprocess.run(["gcc", "-O2", "-o", program, HERE / "agent_load.c"], check=True)
        subprocess.run(
            ["gcc", "-O2", "-static", "-xc", "-", "-o", true], input=b"int main(){return 0;}", check=True
        )
        files.mkdir()
        number = "200000" if {"new files", "walk"} & set(wanted) else "1000"
        subprocess.run([program, "make", files, number], check=True, capture_output=True)
        print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
        place = Path(folder, "cluster")
        place.mkdir()
        with surroundings(place) as (others, environ):
            around = ((*others, *options), environ)
            for name, words in LOADS.items():
                if name in wanted:
                    measure(
                        name, tuple(word.format(true=true, files=files) for word in words), program, around
                    )
        if "calls" in wanted:
            compare_calls(program)


def measure(
    name: str, words: tuple[str, ...], program: Path, around: tuple[tuple[str, ...], dict[str, str]]
) -> None:
    with agent("--port", "18432", *around[0], environ=around[1]) as child:
        time.sleep(3)
        before, began = usage(child.pid)[0], time.monotonic()
        done = load(words, program, contained=True)
        seconds = time.monotonic() - began
        time.sleep(0.3)
        used, memory = usage(child.pid)
        counts = scrape(18432)
    records = {
        key: sum(v for name, v in counts.items() if f'outcome="{key}"' in name)
        for key in ("sent", "lost", "collapsed")
    }
    print(
        f"{name:12} {done['per_s']:>8,} per s  {100 * (used - before) / seconds:5.2f} % of a core  {memory:5.1f} MiB  "
        + "  ".join(f"{key} {value:,.0f}" for key, value in records.items()),
        flush=True,
    )


def compare_calls(program: Path) -> None:
    """Alternating rounds; the least of each, for what else runs only adds."""
    best: dict[tuple[str, str, str], float] = {}

    def once(state: str) -> None:
        for contained in (False, True):
            for what, words in (
                ("call", ("calls", "1000000")),
                ("open+close", ("pairs", "150000", "/etc/hostname")),
            ):
                key = (what, "container" if contained else "host", state)
                best[key] = min(best.get(key, 1e9), load(words, program, contained=contained)["ns_each"])

    for _ in range(ROUNDS):
        once("off")
        with agent("--learning-hours", "0"):
            once("not learning")
        with agent():
            once("learning")
    for (what, where, state), value in sorted(best.items()):
        print(
            f"{what:10} {where:10} {state:13} {value:7.0f} ns  {value / best[what, where, 'off']:.2f} times",
            flush=True,
        )


if __name__ == "__main__":
    main()
