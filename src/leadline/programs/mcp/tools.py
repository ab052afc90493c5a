"""The tools. Names, texts and schemas are constants: nothing that was scanned is in them."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from leadline.programs.mcp.answer import Answer, Question
from leadline.programs.mcp.behaviour_answers import Behaviour, Draft, Rehearse, behaviour, draft, rehearsed
from leadline.programs.mcp.change_answers import Changes, Image, WhoCan, changes, image, who_may
from leadline.programs.mcp.posture_answers import (
    Explain,
    Findings,
    OfWorkloads,
    OneFinding,
    Overview,
    Rows,
    explain,
    finding,
    findings,
    not_seen,
    overview,
    risk,
)
from leadline.scans.answering.evidence import Evidence


class Tool(Struct, frozen=True):
    name: str
    text: str
    asks: type[Question]
    answer: Callable[[Evidence, Any], Answer]


TOOLS = (
    Tool(
        "overview",
        "How much was looked at, what fails, the score and why, what is most at stake. Begin here.",
        Overview,
        overview,
    ),
    Tool("findings", "What fails, the most urgent first.", Findings, findings),
    Tool("finding", "One finding with its lines and why it matters.", OneFinding, finding),
    Tool(
        "explain",
        "Why the score is what it is, what a control means, or why a workload ranks where it does.",
        Explain,
        explain,
    ),
    Tool("risk", "Workloads by what is at stake, each with the way of an attacker.", OfWorkloads, risk),
    Tool("not_seen", "What could not be read, judged or decided: no answer covers it.", Rows, not_seen),
    Tool(
        "changes",
        "What is new and what is gone since a revision or a day, and why the score changed.",
        Changes,
        changes,
    ),
    Tool("image", "Images with their vulnerabilities, known exploited ones marked.", Image, image),
    Tool("who_can", "Who may do what by roles and bindings, and by which steps.", WhoCan, who_may),
    Tool("behaviour", "What containers were recorded to do, in summary.", Behaviour, behaviour),
    Tool(
        "rehearse",
        "What of the recorded behaviour given policies would have blocked. Nothing is applied.",
        Rehearse,
        rehearsed,
    ),
    Tool(
        "draft",
        "An edit, hardening or smaller role as text, checked here. A person decides and applies it.",
        Draft,
        draft,
    ),
)
