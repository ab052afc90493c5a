"""A report with markup, code and marks in every text that an object, a file or a person can set."""

import itertools
from pathlib import Path

from msgspec import structs
from pages_process import ROOT

from leadline.model.control import Remove, Review, Set
from leadline.model.finding import Skip
from leadline.model.report import Waived
from leadline.model.risk import AttackStep, WorkloadRisk
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.documents.report_document import encode
from leadline.scans.posture.posture_scan import posture_scan

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</title><script>alert(2)</script>",
    '" onmouseover="alert(3)',
    "javascript:alert(4)",
    "{{7*7}}",
    "=HYPERLINK(1)",
    "a\u202egnp.exe",
    "\x1b[31mred",
)


def hostile_report(path: Path) -> None:
    """A real report with markup, code and marks in every text that an object, a file or a person can set."""
    report = posture_scan([str(ROOT / "examples" / "shop")])
    texts = itertools.cycle(HOSTILE)
    resources = []
    names: dict[str, str] = {}
    for one in report.resources:
        names[one.id] = f"{one.id}{next(texts)}"
        resources.append(
            structs.replace(
                one,
                name=one.name + next(texts),
                namespace=one.namespace + next(texts),
                kind=one.kind,
                id=names[one.id],
            )
        )
    findings = [
        structs.replace(
            one,
            resource=names[one.resource],
            violation=structs.replace(one.violation, path=next(texts))
            if isinstance(one.violation, Review | Set | Remove)
            else one.violation,
            related=tuple(names.get(id, id) for id in one.related),
            lines=tuple(line + next(texts) for line in one.lines),
        )
        for one in report.findings
    ]
    findings = [
        structs.replace(one, violation=structs.replace(one.violation, on=""))
        if isinstance(one.violation, Review | Set | Remove)
        else one
        for one in findings
    ]
    steps = tuple(
        AttackStep(kind, next(texts), details=(next(texts),))
        for kind in ("start", "way", "workload", "token")
    )
    risks = tuple(
        WorkloadRisk(one.id, 80, 1, 9, 1, next(texts), steps)
        for one in resources
        if one.kind in ("Deployment", "Pod")
    )
    waiver = Waiver(
        name=next(texts),
        matches=(),
        reason=next(texts),
        owner=next(texts),
        ticket=next(texts),
        expires=next(texts),
        source=next(texts),
    )
    unread = tuple(
        structs.replace(one, where=next(texts), why=next(texts), hint=next(texts)) for one in report.unread
    )
    report = structs.replace(
        report,
        target=structs.replace(report.target, name=next(texts), server_version=next(texts)),
        resources=tuple(resources),
        findings=tuple(findings),
        joined=(),
        risks=risks,
        unread=unread,
        waivers=(WaiverUse(waiver, "used", 1),),
        waived=(Waived(findings[0], 0),),
        gave_up={resources[0].id: (Skip("C-0001", next(texts), "no facts"),)},
        skips=tuple(structs.replace(one, why=next(texts)) for one in report.skips),
    )
    path.write_bytes(encode(report))
