"""``leadline alerts`` over a file: what is shown at each width and in a pipe, and what is said where nothing is."""

import asyncio
import json
from pathlib import Path

import pytest
from test_risk_command import run

from leadline.api.carriers.local import LocalStore
from leadline.model.alert import Accepted, Alert
from leadline.model.container import Container
from leadline.programs.cli.commands import alerts as alerts_command
from leadline.scans.stored.alerts import store_alerts


def alert(number: int, **fields: object) -> Alert:
    container = Container(
        "c1", name="main", namespace="shop", pod="web-1", workload_kind="Deployment", workload="web"
    )
    values = {
        "id": f"{number:016x}", "rule": "R1001", "title": "Drifted process executed", "severity": "high",
        "message": "/tmp/kdevtmpfsi ran, which is not part of the image", "container": container, "pid": 9,
        "program": f"/tmp/{number}", "first_s": 1.9e9, "last_s": 1.9e9 + number,
    }  # fmt: skip
    return Alert(**(values | fields))


@pytest.fixture
def store(tmp_path: Path) -> str:
    return stored(tmp_path / "alerts.db", [alert(1), alert(2, count=1234, withheld=940, severity="critical")])


def stored(path: Path, alerts: list[Alert]) -> str:
    async def write() -> None:
        opened = LocalStore(path)
        await store_alerts(opened, alerts, "node1")
        await opened.close()

    asyncio.run(write())
    return str(path)


def test_in_a_pipe_each_is_two_lines_the_newest_first(capfd, monkeypatch: pytest.MonkeyPatch, store: str):
    monkeypatch.delenv("COLUMNS", raising=False)
    code, out, err = run(capfd, "alerts", "--from-store", store)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "2030-03-17T17:46:42Z critical R1001 shop/Deployment/web (main), 1,234 times, 940 more withheld",
        "  /tmp/kdevtmpfsi ran, which is not part of the image",
        "2030-03-17T17:46:41Z high R1001 shop/Deployment/web (main)",
        "  /tmp/kdevtmpfsi ran, which is not part of the image",
    ]
    _, out, _ = run(capfd, "alerts", "-v", "--from-store", store)
    assert (
        "  940 more alerts of this rule in the container came too fast, and were withheld."
        in out.splitlines()
    )
    _, out, _ = run(capfd, "alerts", "-f", "json", "--from-store", store)
    assert [json.loads(line)["count"] for line in out.splitlines()] == [1234, 1]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(capfd, monkeypatch: pytest.MonkeyPatch, store: str, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run(capfd, "alerts", "-v", "--from-store", store)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "not shown: 1 accepted; --accepted shows them\n"),
        (("--severity", "critical"), "not shown: 3 of a lower severity\n"),
        (("--namespace", "bank"), "not shown: 3 of another namespace\n"),
        (
            ("--namespace", "bank", "--severity", "high"),
            "not shown: 3 of a lower severity or of another namespace\n",
        ),
    ],
)
def test_what_is_not_shown_is_counted(capfd, tmp_path: Path, words: tuple[str, ...], said: str):
    alerts = [alert(1), alert(2), alert(3, accepted=Accepted("ours"))]
    code, _, err = run(capfd, "alerts", "--from-store", stored(tmp_path / "a.db", alerts), *words)
    assert (code, err) == (0, said)


def test_where_so_many_are_stored_that_some_were_forgotten_it_is_said(
    capfd, monkeypatch: pytest.MonkeyPatch, store: str
):
    monkeypatch.setattr(alerts_command, "MOST_KEPT", 2)
    _, _, err = run(capfd, "alerts", "--from-store", store)
    assert err == "2 are stored; of more than 2 the oldest are forgotten before their month is over\n"


def test_where_nothing_is_stored_it_is_said_how_something_would_be(
    capfd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    empty = stored(tmp_path / "a.db", [])
    said = "no alerts are stored; 'leadline agent --store kube' on the nodes stores them"
    for words in ((), ("-f", "json")):
        assert run(capfd, "alerts", "--from-store", empty, *words) == (0, "", said + "\n")

    async def interrupted(store: object):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(alerts_command, "followed_alerts", interrupted)
    assert run(capfd, "alerts", "--follow", "--from-store", empty) == (
        0,
        "",
        f"{said}; waiting for the first, Ctrl-C ends\n",
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--severity", "huge"), 2, "'huge' is not one of"),
        (("extra",), 2, "unexpected extra argument"),
        (("--from-store", "missing.db"), 3, "there is no store missing.db"),
        (("--from-store", "."), 3, ". is not a file, and so not a store; check the path"),
    ],
)
def test_what_is_wrong_gets_a_line(capfd, words: tuple[str, ...], code: int, said: str):
    found, out, err = run(capfd, "alerts", *words)
    assert (found, out, len(err.splitlines())) == (code, "", 1)
    assert said in err
