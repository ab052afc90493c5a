"""A real Prometheus, and a real Alertmanager, as child processes with ports and folders of their own."""

import json
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from processes import Program, free_port

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager")
needs_prometheus = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason="Prometheus and Alertmanager are not installed"
)
LONGEST_S = 60.0
_PAUSE_S = 0.05


class Prometheus:
    """Scrapes ``targets`` each second, found by file, and evaluates ``rules`` as often."""

    def __init__(
        self,
        folder: Path,
        *targets: str,
        rules: Path | None = None,
        alertmanager: str = "",
        place: tuple[tuple[str, ...], str] = ((), "127.0.0.1"),
    ) -> None:
        """``place``: words before its command, for a network namespace of its own, and the address it has there."""
        self.folder = folder / f"prometheus-{free_port()}"
        self.folder.mkdir()
        inside, host = place
        self.port = free_port()
        self._url = f"http://{host}:{self.port}"
        (self.folder / "targets.json").write_text(json.dumps([{"targets": list(targets)}]))
        configuration: dict[str, Any] = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)] if rules else [],
            "scrape_configs": [
                {
                    "job_name": "leadline",
                    "honor_labels": True,
                    "file_sd_configs": [{"files": ["targets.json"]}],
                }
            ],
        }
        if alertmanager:
            configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        # JSON is YAML.
        (self.folder / "prometheus.yaml").write_text(json.dumps(configuration))
        self._program = Program(
            self.folder,
            "prometheus",
            [
                *inside,
                *("prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=data"),
                *(f"--web.listen-address={host}:{self.port}", "--log.level=warn"),
            ],
        )

    def __enter__(self) -> "Prometheus":
        self._program.wait_until(lambda: _is_ready(f"{self._url}/-/ready"))
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Of an instant query; an expression that is none is an ``HTTPError``."""
        query = urllib.parse.urlencode({"query": expression})
        return list(_json(f"{self._url}/api/v1/query?{query}")["data"]["result"])

    def value(self, expression: str) -> float | None:
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def alerts(self) -> list[dict[str, Any]]:
        return list(_json(f"{self._url}/api/v1/alerts")["data"]["alerts"])

    def wait_until(self, holds: Any) -> None:
        self._program.wait_until(holds, LONGEST_S)


class Alertmanager:
    """``webhook`` is called with each notification, at once and one for each group."""

    def __init__(self, folder: Path, webhook: str = "", group_by: tuple[str, ...] = ("...",)) -> None:
        self._folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        hooks = [{"url": webhook, "send_resolved": True}] if webhook else []
        route = {
            "receiver": "tests",
            "group_by": list(group_by),
            **{"group_wait": "0s", "group_interval": "1s", "repeat_interval": "4h"},
        }
        configuration = {"route": route, "receivers": [{"name": "tests", "webhook_configs": hooks}]}
        self._file = folder / f"alertmanager-{self.port}.yaml"
        self._file.write_text(json.dumps(configuration))
        self._program: Program | None = None

    def start(self) -> None:
        name = f"alertmanager-{self.port}"
        self._program = Program(
            self._folder,
            name,
            [
                *("prometheus-alertmanager", f"--config.file={self._file}", f"--storage.path={name}"),
                *(f"--web.listen-address={self.address}", "--cluster.listen-address=", "--log.level=warn"),
            ],
        )
        self._program.wait_until(lambda: _is_ready(f"{self.url}/-/ready"))

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()
            self._program = None

    def __enter__(self) -> "Alertmanager":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are firing."""
        return list(_json(f"{self.url}/api/v2/alerts"))


def wait_until(holds: Any, seconds: float = LONGEST_S) -> None:
    deadline = time.monotonic() + seconds
    waiting = threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came")
        waiting.wait(_PAUSE_S)


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
