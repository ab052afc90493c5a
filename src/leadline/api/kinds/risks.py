"""What is at stake with each workload, as the operator ranked it where its objects were."""

from typing import Annotated

from leadline.api.kind import Body, Column, at, named_at, our_kind
from leadline.api.kinds.configuration import JudgedObject
from leadline.api.wire_type import UNDESCRIBED, List, Texts, Wire, about
from leadline.untyped import mappings


class RiskStep(Wire, frozen=True, omit_defaults=True):
    """One step of the way from the attacker to what is at stake."""

    kind: Annotated[str, about("start, way, workload, token, node, secrets or vulnerability.")] = ""
    text: Annotated[str, about("Such as internet, Ingress shop, token reads every Secret.")] = ""
    object: Annotated[str, about("The id of the object that it is about; empty where there is none.")] = ""
    details: Annotated[Texts, about("What makes it easier.")] = None
    controls: Annotated[Texts, about("The ids of the controls that it follows from.")] = None


class RankedWorkload(Wire, frozen=True):
    """How much is at stake with one workload, and how an attacker gets there."""

    object: Annotated[JudgedObject, UNDESCRIBED] = JudgedObject()
    score: Annotated[float, about("0 to 100: how near an attacker is, what is won, how easily.")] = 0
    reach: Annotated[float, about("How near an attacker is, 0 to 1.")] = 0
    impact: Annotated[float, about("What is won by taking it over, 0 to 10.")] = 0
    ease: Annotated[float, about("How easily it is taken over, 0 to 1.")] = 0
    sentence: Annotated[str, about("Why, in one sentence.")] = ""
    path: Annotated[
        List[RiskStep], about("From the attacker on; the steps after the workload are what it opens.")
    ] = None
    tracks: Annotated[Texts, about("The attack tracks that are open from end to end.")] = None


class WorkloadRisk(Wire, frozen=True):
    spec: RankedWorkload = RankedWorkload()


def _steps(body: Body) -> list[Body]:
    return mappings(at(body, "spec", "path"))


def _entry(body: Body) -> str:
    return next((str(one.get("text") or "") for one in _steps(body)), "")


def _goal(body: Body) -> str:
    steps = _steps(body)
    place = next((number for number, one in enumerate(steps) if one.get("kind") == "workload"), len(steps))
    return next((str(one.get("text") or "") for one in steps[place + 1 :]), "")


RISKS = our_kind(
    WorkloadRisk,
    "workloadrisks",
    (
        Column("Score", "number", "spec.score", "0 to 100, most at stake at 100"),
        Column("Workload", "string", named_at("spec", "object"), "the workload"),
        Column("Entry", "string", _entry, "where an attacker comes from"),
        Column("Goal", "string", _goal, "the worst that it opens"),
        Column("Why", "string", "spec.sentence", "why, in one sentence", 1),
    ),
    short_names=("wrisk",),
)
