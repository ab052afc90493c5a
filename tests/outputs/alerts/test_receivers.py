"""What each receiver of alerts is sent."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from processes import free_port
from prometheus_server import wait_until
from receiving import Inbox, SyslogServer

from leadline.outputs.alerts.posting import Poster
from leadline.outputs.alerts.protocol import Alert, DeliveryError, Group, Receiver, grouped
from leadline.outputs.alerts.receivers import Alertmanager, Slack, Webhook
from leadline.outputs.alerts.syslog import LARGEST_BYTES, Address, Syslog, syslog_message

NOW_S = 1_795_000_000.0
HOSTILE = 'a <!channel> @everyone & "b" ]\n\x1b[31m\u202e\\' + "ü" * 3_000


def alert(name: str = "LeadlineWorkloadControls", ended_s: float | None = None, **labels: str) -> Alert:
    about = {
        "namespace": "shop",
        "workload": "web",
        "workload_kind": "deployment",
        "severity": "critical",
        **labels,
    }
    return Alert(
        tuple(sorted({"alertname": name, **about}.items())),
        {"summary": "web fails 3 controls"},
        NOW_S,
        ended_s,
    )


def group(*alerts: Alert) -> Group:
    (one,) = grouped(alerts, 100)
    return one


def send(made: Callable[[Poster], Receiver], what: Group) -> None:
    async def sent() -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            await made(Poster(http)).send(what, NOW_S)

    asyncio.run(sent())


def test_alerts_of_a_workload_stand_together_and_ends_apart_from_beginnings():
    of_web = [alert(rule_id=str(n)) for n in range(5)]
    others = [
        alert(workload="pay"),
        alert("LeadlineScanTooOld", workload=""),
        alert(ended_s=NOW_S, rule_id="6"),
    ]
    plain = Alert((("alertname", "LeadlineScanTooOld"),), {"summary": "old"}, NOW_S)
    groups = grouped([*of_web, *others, plain], 3)
    assert [(one.title, len(one.alerts), one.is_firing) for one in groups] == [
        ("shop/deployment/web", 3, True),
        ("shop/deployment/web", 2, True),
        ("shop/deployment/pay", 1, True),
        ("shop/deployment", 1, True),
        ("shop/deployment/web", 1, False),
        ("LeadlineScanTooOld", 1, True),
    ]


def test_a_webhook_gets_the_form_of_alertmanager():
    with Inbox() as inbox:
        both = group(alert(rule_id="CVE-1"), alert(rule_id="CVE-2"))
        send(lambda poster: Webhook(inbox.url, poster, {"X-Ours": "1"}), both)
        send(lambda poster: Webhook(inbox.url, poster, {}), group(alert(ended_s=NOW_S + 60)))
        firing, over = inbox.bodies
        assert inbox.headers[0]["X-Ours"] == "1"
    assert (firing["version"], firing["status"]) == ("4", "firing")
    assert firing["groupLabels"] == {"namespace": "shop", "workload": "web", "workload_kind": "deployment"}
    assert "rule_id" not in firing["commonLabels"]
    assert firing["commonLabels"]["severity"] == "critical"
    assert [one["labels"]["rule_id"] for one in firing["alerts"]] == ["CVE-1", "CVE-2"]
    assert firing["alerts"][0]["endsAt"].startswith("0001-")
    assert (over["status"], over["alerts"][0]["status"]) == ("resolved", "resolved")
    assert over["alerts"][0]["endsAt"] > over["alerts"][0]["startsAt"]


def test_slack_gets_one_short_message_that_mentions_no_one():
    with Inbox() as inbox:
        many = [alert(rule_id=str(n)) for n in range(60)]
        hostile = Alert(many[0].labels, {"summary": HOSTILE}, NOW_S)
        send(lambda poster: Slack(inbox.url, poster, {}), group(hostile, *many[1:]))
        send(lambda poster: Slack(inbox.url, poster, {}), group(alert(ended_s=NOW_S + 60)))
        firing, over = inbox.bodies
    assert firing["text"] == "firing: shop/deployment/web (60 alerts)"
    lines = firing["attachments"][0]["text"].split("\n")
    assert (len(lines), lines[-1]) == (21, "and 40 more")
    assert "&lt;!channel&gt; @\u200beveryone &amp;" in lines[0]
    assert "<" not in firing["attachments"][0]["text"]
    # What takes messages in Slack's form knows other mentions besides.
    assert "@everyone" not in firing["attachments"][0]["text"]
    assert "2026-11-18T" in over["attachments"][0]["text"]
    assert over["text"].startswith("over: ")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_syslog_gets_a_message_for_each_alert(transport: Any):
    with SyslogServer(transport) as server:
        port = int(server.address.rpartition(":")[2])
        made = Syslog(Address(transport, "127.0.0.1", port), "here")
        send(lambda _: made, group(alert(rule_id="CVE-1"), alert(rule_id='odd"]\\')))
        wait_until(lambda: len(server.messages) == 2)
        first, second = (message.decode() for message in server.messages)
    assert first.startswith("<10>1 2026-11-18T")
    assert " here leadline - LeadlineWorkloadControls [alert@32473 " in first
    assert first.endswith("] firing: web fails 3 controls")
    assert r'rule_id="odd\"\]\\"' in second


@pytest.mark.parametrize(
    ("severity", "priority"), [("critical", 10), ("high", 11), ("low", 13), ("", 12), ("x", 12)]
)
def test_severities_are_those_of_syslog(severity: str, priority: int):
    assert syslog_message(alert(severity=severity), "h", NOW_S).startswith(b"<%d>1 " % priority)
    assert syslog_message(alert(severity=severity, ended_s=NOW_S), "h", NOW_S).startswith(b"<13>1 ")


def test_hostile_names_stay_within_a_syslog_message():
    labels = {f"name {n}": HOSTILE for n in range(40)}
    message = syslog_message(Alert(alert(**labels).labels, {"summary": HOSTILE}, NOW_S), HOSTILE, NOW_S)
    assert len(message) <= LARGEST_BYTES
    text = message.decode()
    assert text.isprintable()
    head, _, rest = text.partition(" [alert@32473")
    assert re.fullmatch(r"<\d+>1 \S+ \S+ leadline - \S+", head)
    assert re.match(r'( [!-~]+="([^"\\\]]|\\.)*")*\] firing: ', rest)


@pytest.mark.parametrize("kind", [Alertmanager, Webhook, Slack])
@pytest.mark.parametrize("code", [302, 400, 404, 429, 500])
def test_an_address_that_refuses_is_named_by_its_host_alone(kind: Any, code: int):
    with Inbox() as inbox:
        inbox.code = code
        with pytest.raises(DeliveryError) as caught:
            send(lambda poster: kind(inbox.url, poster, {}), group(alert()))
    assert str(caught.value) == f"127.0.0.1 answers HTTP {code}"


@pytest.mark.parametrize("kind", [Alertmanager, Webhook, Slack])
@pytest.mark.parametrize("code", [200, 500])
def test_an_answer_without_end_is_not_read(kind: Any, code: int):
    with Inbox() as inbox:
        inbox.code, inbox.is_endless = code, True
        if code == 200:
            send(lambda poster: kind(inbox.url, poster, {}), group(alert()))
            assert len(inbox.bodies) == 1
        else:
            with pytest.raises(DeliveryError, match="answers HTTP 500"):
                send(lambda poster: kind(inbox.url, poster, {}), group(alert()))


@pytest.mark.parametrize("kind", [Alertmanager, Webhook, Slack])
def test_an_address_that_is_away_is_named_by_its_host_alone(kind: Any):
    url = f"http://127.0.0.1:{free_port()}/secret"
    with pytest.raises(DeliveryError) as caught:
        send(lambda poster: kind(url, poster, {}), group(alert()))
    assert "127.0.0.1 cannot be reached" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_syslog_server_that_is_away_is_named():
    with pytest.raises(DeliveryError, match="cannot be reached"):
        send(lambda _: Syslog(Address("tcp", "127.0.0.1", free_port()), "h"), group(alert()))
