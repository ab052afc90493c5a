"""What the agent answers over HTTP: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for the kubelet.

Three small answers to one client each minute: a server library would take more memory than the agent.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter_ns

from leadline.scans.observing.detecting import Detecting
from leadline.scans.observing.observation import Observation

_LONGEST_REQUEST = 8_192
_PATIENCE_S = 5.0
MOST_CONNECTIONS = 16
MOST_SERIES = 2_000
"""By container; what is beyond is in the sums by kind."""


def metrics(observation: Observation, failures: int, off: int) -> Iterator[str]:
    """Lines of https://prometheus.io/docs/instrumenting/exposition_formats"""
    counts = observation.counts()
    records = {
        f'kind="{kind}",outcome="{what}"': n for kind, row in counts.items() for what, n in row.items()
    }
    yield from _metric("records_total", "Records of the kernel side, by what became of them.", records)
    for name, text, by_kind in (
        ("events_total", "Events that were seen.", observation.events),
        ("events_late_total", "Events that waited for the names of their container.", observation.late),
        ("events_without_container_total", "Events of no container.", observation.nameless),
    ):
        yield from _metric(name, text, {f'kind="{kind}"': n for kind, n in by_kind.items()})
    yield from _metric(
        "container_records_total",
        "Records of a container that were lost, collapsed or late.",
        _by_container(observation),
    )
    yield from _metric(
        "unreadable_records_total", "Records that were not understood.", {"": observation.unreadable}
    )
    yield from _metric(
        "runtime_failures_total", "Questions the container runtime did not answer.", {"": failures}
    )
    yield from _metric("programs_off", "BPF programs that this kernel does not run.", {"": off}, "gauge")
    yield from _metric(
        "containers", "Containers that are remembered.", {"": len(observation.containers)}, "gauge"
    )


def _by_container(observation: Observation) -> Mapping[str, int]:
    """Summed: a container may have several namespaces."""
    found: Counter[str] = Counter()
    for container, kind, outcome, number in observation.counts_of_containers():
        names = {"id": container.id, "namespace": container.namespace, "pod": container.pod}
        named = {**names, "container": container.name, "kind": kind, "outcome": outcome}
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in named.items())
        if labels in found or len(found) < MOST_SERIES:
            found[labels] += number
    return found


def _escaped(value: str) -> str:
    """A container of plain runc is called as its user likes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _metric(name: str, text: str, values: Mapping[str, int], type: str = "counter") -> Iterator[str]:
    yield f"# HELP leadline_agent_{name} {text}"
    yield f"# TYPE leadline_agent_{name} {type}"
    for labels, value in sorted(values.items()):
        yield f"leadline_agent_{name}{f'{{{labels}}}' if labels else ''} {value}"


def alert_metrics(detecting: Detecting, not_stored: int) -> Iterator[str]:
    """What the rules found, what was withheld or not stored, and what they cannot say."""
    grouping, detector = detecting.grouping, detecting.detector

    def by_rule(counted: Mapping[str, int]) -> dict[str, int]:
        return {f'rule_id="{_escaped(rule)}"': number for rule, number in counted.items()}

    yield from _metric("detections_total", "Events that a rule is about.", by_rule(grouping.total))
    yield from _metric(
        "alerts_withheld_total", "New alerts beyond what is given in a minute.", by_rule(grouping.withheld)
    )
    yield from _metric(
        "alerts_not_stored_total", "Alerts that were printed, and are not in the store.", {"": not_stored}
    )
    yield from _metric("rule_failures_total", "Events that a rule failed on.", by_rule(detector.failures))
    yield from _metric(
        "rules_off",
        "Containers that a rule is left out of for a while, since it is too slow there.",
        by_rule(detector.slowness.resting(perf_counter_ns())),
        "gauge",
    )
    yield from _metric(
        "rule_unasked_total", "Events that a rule was not asked about while so.", by_rule(detector.unasked)
    )
    number = len(detector.baselines)
    yield from _metric(
        "baselines", "Containers whose complete profile says what is new.", {"": number}, "gauge"
    )


class Answers:
    """``text`` makes the answer to a scrape; ``is_ready`` is whether the probes are attached."""

    def __init__(self, text: Callable[[], str], is_ready: Callable[[], bool]) -> None:
        self._text = text
        self._is_ready = is_ready
        self._open = 0

    async def serve(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._answer, None, port, limit=_LONGEST_REQUEST)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_S)
                writer.write(self._response(head))
                await asyncio.wait_for(writer.drain(), _PATIENCE_S)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()

    def _response(self, head: bytes) -> bytes:
        match head.split(b" ")[:2]:
            case [b"GET", b"/metrics"]:
                status, body = "200 OK", self._text()
            case [b"GET", b"/healthz" | b"/livez"]:
                status, body = "200 OK", "ok\n"
            case [b"GET", b"/readyz"]:
                status, body = (
                    ("200 OK", "ok\n") if self._is_ready() else ("503 Service Unavailable", "not attached\n")
                )
            case _:
                status, body = "404 Not Found", "there is /metrics, /healthz and /readyz\n"
        content = body.encode()
        lines = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(content)}\r\n"
        return f"{lines}Connection: close\r\n\r\n".encode() + content
