"""Why a workload is ranked where it is."""

from collections.abc import Iterator

from leadline.model.report import PostureReport
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.place import titles_of
from leadline.outputs.text.risk_text import step_text

_NEAR = (
    (1.0, "an attacker reaches it from the internet"),
    (0.5, "an attacker is on the internet and a login is before it"),
    (0.3, "an attacker reaches it by a port of the node"),
    (0.25, "an attacker has to be in a pod of the cluster"),
    (0.0, "an attacker has to be where a network policy lets in"),
)
"""By the least reach; the numbers are those of ``docs/decisions/risk.md``."""


def explained_risk(report: PostureReport, risk: WorkloadRisk) -> Iterator[str]:
    """How near an attacker is, by which way, what is won, how easily, and how the score follows."""
    title = titles_of(report)(report.resource(risk.resource))
    yield f"{title} has {risk.score:.1f} of 100."
    near = next(text for least, text in _NEAR if risk.reach >= least)
    at = next((number for number, step in enumerate(risk.path) if step.kind == "workload"), 0)
    way = ", then ".join(step.text for step in risk.path[:at])
    yield f"Reach {risk.reach:g}: {near}{f', by {way}' if way else ''}."
    gains = [step_text(step) for step in risk.path[at + 1 :]]
    yield (
        f"Impact {risk.impact:g} of 10: taking it over opens {'; '.join(gains)}."
        if gains
        else f"Impact {risk.impact:g} of 10: it opens nothing beyond itself."
    )
    details = risk.path[at].details if risk.path else ()
    easier = f": {', '.join(details)}" if details else ""
    yield f"Ease {risk.ease:g} of 1{easier}."
    yield "The score is 100 × reach × impact / 10 × (0.6 + 0.4 × ease)."
    controls = sorted({id for step in risk.path for id in step.controls})
    if controls:
        yield f"It rests on {', '.join(controls)}."
    if risk.tracks:
        yield f"Attack tracks that are open from end to end: {', '.join(risk.tracks)}."
