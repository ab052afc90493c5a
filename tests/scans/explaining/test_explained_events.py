"""Alerts, suggestions and histories in sentences."""

from msgspec import json
from msgspec.structs import replace

from leadline.api.kinds.alerts import AlertAcceptance, AlertContainer, AlertProcess, RaisedAlert
from leadline.api.kinds.suggestions import HeldTo, LastRehearsal
from leadline.model.history import Change, Day, History, Life
from leadline.scans.explaining.alert import explained_alert
from leadline.scans.explaining.history import explained_history
from leadline.scans.explaining.suggestion import explained_suggestion
from leadline.scans.stored.alerts import alert_lines

ALERT = RaisedAlert(
    rule="R0001",
    title="Program that was never seen here",
    severity="high",
    message="sh ran /tmp/x as pid 7",
    container=AlertContainer("shop", "web-1", "Deployment", "web", "web", "c1", ""),
    program="/tmp/x",
    chain=(
        AlertProcess(7, "/tmp/x", None, 0, True),
        AlertProcess(6, "/bin/sh"),
        AlertProcess(1, "/app"),
    ),
    first_seen="2026-05-01T10:06:40Z",
    last_seen="2026-05-01T11:06:40Z",
    count=3,
    mitre=("T1059",),
    first=("look at the pod", "isolate it"),
    stake="reads every Secret",
    stake_score=81.5,
)
SENTENCES = [
    "Program that was never seen here: sh ran /tmp/x as pid 7.",
    "Rule R0001, high, in shop/Deployment/web (web).",
    "It was seen 3 times or more, from 2026-05-01T10:06:40Z to 2026-05-01T11:06:40Z.",
    "The process was started by /bin/sh, which was started by /app.",
    "Its program is not in the image: something wrote it while the container ran.",
    "At stake: reads every Secret (81.5 of 100).",
    "MITRE ATT&CK: T1059.",
]


def test_an_alert_is_explained_by_what_was_seen_in_sentences_that_the_command_shows_too():
    assert list(explained_alert(ALERT)) == SENTENCES
    _, *shown = alert_lines(ALERT, 200, shows_all=True)
    assert [line.strip() for line in shown[: len(SENTENCES)]] == SENTENCES
    assert [line.strip() for line in shown[-2:]] == ["1. look at the pod", "2. isolate it"]


def test_an_accepted_alert_says_by_what():
    accepted = replace(ALERT, accepted=AlertAcceptance("nightly", "the backup"))
    assert list(explained_alert(accepted))[-1] == "It is accepted by nightly: the backup."


def test_a_suggestion_says_on_what_it_rests_and_how_it_is_undone():
    spec = json.decode(
        b'{"workload":{"kind":"Deployment","namespace":"shop","name":"web"},"observed":{"complete":2,"partial":1,'
        b'"since":"2026-05-01T10:00:00Z","until":"2026-05-02T10:00:00Z"},"settings":[{"container":"web",'
        b'"path":"securityContext.readOnlyRootFilesystem","value":true,"because":"it wrote nothing",'
        b'"ifWrong":"writes fail"}],"notSuggested":[{"container":"","what":"NetworkPolicy","why":"no peer is known"}]}',
        type=HeldTo,
    )
    assert list(explained_suggestion(spec, LastRehearsal("", "", 12, 0, 1))) == [
        "For shop/Deployment/web 1 thing is suggested.",
        "It rests on 2 complete profiles, recorded from 2026-05-01T10:00:00Z to 2026-05-02T10:00:00Z, and 1 partial that"
        " alone would not count.",
        "securityContext.readOnlyRootFilesystem: true for container web, because it wrote nothing; if the record is not"
        " all: writes fail.",
        "Not suggested: NetworkPolicy: no peer is known.",
        "Rehearsed over the record: 0 would be blocked, 1 not known, 12 pass.",
        "It is undone by taking the settings out again and deleting the objects.",
    ]


def test_a_history_says_what_changed_and_by_what():
    days = (
        Day("2027-01-01", {"critical": 2}, score=70.0, rules="1"),
        Day("2027-01-02", None),
        Day("2027-01-03", {"high": 1}, score=80.0, rules="2"),
    )
    life = Life("shop/Pod/web", "C-0057", "", "critical", (Change("2027-01-01T08:00:00Z", "failed"), Change("2027-01-03T08:00:00Z", "passed", "rules")))  # fmt: skip
    assert list(explained_history(History("the cluster", "2027-01-01", "2027-01-03", days, (life,)))) == [
        "On 2027-01-01 2 pairs of control and object failed in the cluster, on 2027-01-03 1 pair of control and object.",
        "The score was 70.0 and is 80.0 (+10.0).",
        "The rules changed in between: a part of the difference is theirs and not the cluster's.",
        "Findings: 1 fixed, 1 first seen.",
        "1 of these changes came with other rules.",
        "On 1 day no one looked.",
    ]
