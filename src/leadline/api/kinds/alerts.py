"""What the rules of the node agent saw containers do: one object for each rule, workload and program, with a count."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET

from leadline.api.kind import Body, Column, Writer, at, our_kind
from leadline.api.wire_type import List, Maybe, Texts, Wire, about
from leadline.model.alert import SILENT_S


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
    withheld: Annotated[
        int, about("Alerts of the rule in the container that were too many, and are not stored; at least.")
    ] = 0
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


KEPT_DAYS = 30
"""Alerts whose last event is older are forgotten."""


def _decided(new: Body | None, old: Body | None, writer: Writer) -> str:
    """An agent adds to what other nodes saw, and takes nothing away: who takes over one node leaves the evidence of others.

    What is older than ``KEPT_DAYS`` any of them may delete, since nodes go away.
    """
    if not writer.node:
        return ""
    if new is not None and (at(new, "spec", "node") or "") != writer.node:
        return "an agent writes alerts of its own node"
    other = at(old, "spec", "node") or ""
    if old is None or other in ("", writer.node):
        return ""
    age_s = _age_s(old, writer.at)
    may = age_s >= KEPT_DAYS * 86_400 if new is None else age_s >= SILENT_S or _adds(new["spec"], old["spec"])
    return "" if may else f"this alert is of the node {other[:253]}, and others only add to it"


def _adds(new: Body, old: Body) -> bool:
    """Whether all that was known still is, and is as alarming."""
    is_same = all(new.get(name) == old.get(name) for name in ("rule", "severity", "message"))
    is_more = int(new.get("count") or 0) >= int(old.get("count") or 0)
    is_more &= int(new.get("withheld") or 0) >= int(old.get("withheld") or 0)
    is_later = str(new.get("lastSeen") or "") >= str(old.get("lastSeen") or "")
    return is_same and is_more and is_later and bool(old.get("accepted") or not new.get("accepted"))


def _age_s(alert: Body, now: str) -> float:
    """Of its last event; negative where that is not known."""
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(at(alert, "spec", "lastSeen") or "")
    except (ValueError, TypeError):
        return -1.0
    return age.total_seconds()


ALERTS = our_kind(
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
    decide=_decided,
    short_names=("ralert",),
)
