"""Metrics in the form that Prometheus reads, whatever containers are called."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from leadline.model.container import Container
from leadline.programs.agent.answers import MOST_SERIES, metrics
from leadline.scans.observing.observation import Observation


class Counted:
    """An observation with some losses."""

    unreadable = 0
    containers = ()

    def __init__(self, rows: list[tuple[Container, str, str, int]]) -> None:
        self.rows = rows
        self.events = self.late = self.nameless = Counter({"opened": 1})

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return {"open": {"sent": 5, "lost": 2}}

    def counts_of_containers(self) -> Iterator[tuple[Container, str, str, int]]:
        yield from self.rows


def lines(*rows: tuple[Container, str, str, int]) -> list[str]:
    return list(metrics(cast(Observation, Counted(list(rows))), 0, 0))


def test_losses_are_named_by_container_and_summed_over_its_namespaces():
    web = Container("abc", name="main", pod="web-1", namespace="shop")
    found = lines((web, "open", "lost", 2), (web, "open", "lost", 3))
    labels = 'id="abc",namespace="shop",pod="web-1",container="main",kind="open",outcome="lost"'
    assert f"leadline_agent_container_records_total{{{labels}}} 5" in found


def test_a_name_with_quotes_and_lines_stays_one_label():
    found = lines((Container('a"} 1\nevil 2\\'), "open", "lost", 1))
    (line,) = [one for one in found if "container_records_total{" in one]
    assert line.startswith('leadline_agent_container_records_total{id="a\\"} 1\\nevil 2\\\\",')


def test_the_number_of_series_is_bounded():
    found = lines(*((Container(str(n)), "open", "lost", 1) for n in range(MOST_SERIES + 5)))
    assert sum("container_records_total{" in one for one in found) == MOST_SERIES
    assert 'leadline_agent_records_total{kind="open",outcome="lost"} 2' in found
