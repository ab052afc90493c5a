"""What the rules of the node agent saw containers do: one object for each rule, workload and program, with a count."""

from typing import Annotated

from msgspec import UNSET

from leadline.api.kind import OUR_GROUP, OUR_VERSION, Body, Column, Kind, at
from leadline.api.wire_type import List, Maybe, Texts, Wire, about


class AlertProcess(Wire, frozen=True, omit_defaults=True):
    """One process of a chain, as it was when it started its program."""

    pid: Annotated[int, about("Its number on the node.")] = 0
    path: Annotated[str, about("The program.")] = ""
    arguments: Annotated[Texts, about("Without secrets.")] = None
    uid: Annotated[int, about("The number of its user.")] = 0
    is_upper: Annotated[bool, about("The program is not part of the image.")] = False


class AlertContainer(Wire, frozen=True, omit_defaults=True):
    """Where it happened."""

    namespace: Annotated[str, about("Of the pod; empty outside of a cluster.")] = ""
    pod: Annotated[str, about("The name of the pod.")] = ""
    workload_kind: Annotated[str, about("Of what the pod belongs to: Deployment, say.")] = ""
    workload: Annotated[str, about("What the pod belongs to.")] = ""
    name: Annotated[str, about("Of the container.")] = ""
    id: Annotated[str, about("As the container runtime has it.")] = ""
    image: Annotated[str, about("As the pod asks for it.")] = ""


class AlertAcceptance(Wire, frozen=True, omit_defaults=True):
    """The waiver that accepts it."""

    waiver: Annotated[str, about("Its name.")] = ""
    reason: Annotated[str, about("What it gives as reason.")] = ""
    source: Annotated[str, about("The file or object that it is written in.")] = ""


class RaisedAlert(Wire, frozen=True, omit_defaults=True):
    """Everything that one rule saw one program of one workload do."""

    rule: Annotated[str, about("Its id; leadline explain shows its page.")] = ""
    title: Annotated[str, about("Of the rule.")] = ""
    severity: Annotated[str, about("critical, high, medium or low.")] = ""
    message: Annotated[str, about("Of the first event.")] = ""
    others: Annotated[Texts, about("Other messages.")] = None
    container: Annotated[AlertContainer, about("Where it happened.")] = AlertContainer()
    program: Annotated[str, about("The path of what did it.")] = ""
    chain: Annotated[
        List[AlertProcess], about("From the process that did it up to the first of the container.")
    ] = None
    first_seen: Annotated[str, about("When it happened first.")] = ""
    last_seen: Annotated[str, about("When it happened last.")] = ""
    count: Annotated[int, about("How often, at least.")] = 0
    mitre: Annotated[Texts, about("Tactic and technique of MITRE ATT&CK.")] = None
    first: Annotated[Texts, about("What to do first.")] = None
    stake: Annotated[Maybe[str], about("What is at stake with the workload.")] = UNSET
    stake_score: Annotated[Maybe[float], about("0 to 100.")] = UNSET
    vulnerabilities: Annotated[
        Maybe[Texts], about("In what runs in the container, the worst first: one of them may be the way in.")
    ] = UNSET
    accepted: Annotated[Maybe[AlertAcceptance], about("Who accepts it.")] = UNSET
    node: Annotated[str, about("The name of the node.")] = ""


class RuntimeAlert(Wire, frozen=True):
    spec: Annotated[RaisedAlert, about("What was seen, and what to do.")] = RaisedAlert()


def _workload(body: Body) -> str:
    kind, name = at(body, "spec", "container", "workloadKind"), at(body, "spec", "container", "workload")
    return f"{kind}/{name}" if kind and name else str(at(body, "spec", "container", "name") or "")


def _state(body: Body) -> str:
    return "accepted" if at(body, "spec", "accepted") else "open"


ALERTS = Kind(
    RuntimeAlert,
    "runtimealerts",
    (
        Column("Severity", "string", "spec.severity", "of the rule"),
        Column("Rule", "string", "spec.rule", "leadline explain shows its page"),
        Column("Workload", "string", _workload, "where it happened"),
        Column("Message", "string", "spec.message", "what happened first"),
        Column("Count", "integer", "spec.count", "how often, at least"),
        Column("Last", "date", "spec.lastSeen", "how long ago it happened last"),
        Column("State", "string", _state, "open, or accepted by a waiver", 1),
    ),
    lists_whole=True,
    group=OUR_GROUP,
    version=OUR_VERSION,
    short_names=("ralert",),
)
