"""Ranks of workloads as the objects that a store keeps of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import msgspec
import orjson

from leadline.api.kind import PREFIX
from leadline.api.kinds import risks as kinds
from leadline.api.posture_results import Place, judged_object, labels_for
from leadline.api.protocol import Content, Entry, Put
from leadline.api.selection import Key
from leadline.api.stored import Reader
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import AttackStep, StepKind, WorkloadRisk

RISKS = kinds.RISKS.plural
_risk_of = Reader(kinds.WorkloadRisk)


def risk_puts(
    report: PostureReport, risks: Iterable[WorkloadRisk], at: str, places: Mapping[str, Place]
) -> Iterator[Put]:
    """One write for each rank, in the place of the results of its workload, where there is one."""
    for risk in risks:
        place = places.get(risk.resource)
        if place is not None:
            yield _put(risk, report.resource(risk.resource), at, place)


def stored_risk(entry: Entry) -> tuple[Resource, WorkloadRisk]:
    """The workload, without a body, and its rank. Raises: ``StoreError`` where it is another object."""
    spec = _risk_of(entry).spec
    it = spec.object
    resource = Resource(it.api_version, it.kind, it.namespace, it.name, {}, id=it.id)
    path = tuple(
        AttackStep(
            cast(StepKind, one.kind),
            one.text,
            one.object,
            tuple(one.details or ()),
            tuple(one.controls or ()),
        )
        for one in spec.path or ()
    )
    risk = WorkloadRisk(
        resource.id,
        spec.score,
        spec.reach,
        spec.impact,
        spec.ease,
        spec.sentence,
        path,
        tuple(spec.tracks or ()),
    )
    return resource, risk


def _put(risk: WorkloadRisk, resource: Resource, at: str, place: Place) -> Put:
    namespace, name = place
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": labels_for(resource, []),
        "annotations": {f"{PREFIX}timestamp": at},
    }
    steps = tuple(
        kinds.RiskStep(one.kind, one.text, one.object, one.details or None, one.controls or None)
        for one in risk.path
    )
    spec = kinds.RankedWorkload(
        judged_object(resource),
        risk.score,
        risk.reach,
        risk.impact,
        risk.ease,
        risk.sentence,
        steps,
        risk.tracks or None,
    )
    body = msgspec.json.encode(kinds.WorkloadRisk(spec))
    return Put(Key(RISKS, namespace, name), Content(orjson.dumps(metadata), body=body))
