"""All that a rule file imports, in addition to the events of ``model.event``.

A rule is one function. The type of its first argument says which events it judges, and it answers with one sentence that says
what happened, or ``None``::

    @rule("R1005", "Fileless execution detected", score=8, mitre=("TA0005", "T1055"), needs=("exec",))
    def fileless(event: Executed, actor: Actor) -> str | None: ...

A third argument of type ``Baseline`` makes the rule wait until the profile of its container is complete; of type
``Baseline | None`` it is given where there is one. Of a sentence everything that varies with each event, such as the pid, is left out.
"""

from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any, get_args, get_type_hints

from msgspec import Struct

from leadline.model.control import Severity, severity_of
from leadline.model.event import Event
from leadline.runtime.baseline import Baseline
from leadline.runtime.process_tree import Actor

__all__ = ["Actor", "Baseline", "Rule", "page_of", "rule"]

Check = Callable[..., str | None]


class Rule(Struct, frozen=True, kw_only=True):
    id: str
    title: str
    score: float
    """0 to 10; the severity follows from it, as of a control."""
    doc: str
    """Its page: the check's docstring and a link."""
    module: str = ""
    event: type[Event]
    """What it judges."""
    check: Check
    takes: int = 2
    """Arguments of the check: with 3 it takes a baseline."""
    waits: bool = False
    """Until the profile of its container is complete."""
    on_nodes: bool = False
    """It judges what the node itself does as well, where that is watched."""
    is_on: bool = True
    """Unless it is asked for."""
    tools: frozenset[str] = frozenset()
    """It is asked about these programs alone; of ``python3.11`` it is enough to name ``python``. Empty for all."""
    is_about_writing: bool = False
    """It is asked about files that are opened to be written alone."""
    needs: tuple[str, ...] = ()
    """The probes without which it sees nothing."""
    mitre: tuple[str, ...] = ()
    falco: tuple[str, ...] = ()
    """The rules of Falco that it covers."""
    is_own: bool = False
    """Written by a user: timed, and left out for a while where it is too slow."""

    @property
    def severity(self) -> Severity:
        return severity_of(self.score)


def rule(
    id: str,
    title: str,
    *,
    score: float,
    needs: tuple[str, ...],
    mitre: tuple[str, ...] = (),
    falco: tuple[str, ...] = (),
    tools: Iterable[str] = (),
    is_about_writing: bool = False,
    on_nodes: bool = False,
    is_on: bool = True,
    see: str = "",
) -> Callable[[Check], Rule]:
    """Makes a ``Rule`` of a check, whose docstring is its page, without the link: ``see``, or that of its last technique.

    Raises:
        TypeError: the arguments of the check are not an event, an ``Actor`` and perhaps a baseline.
        ValueError: the score is not from 0 to 10.
    """
    if not 0 <= score <= 10:
        raise ValueError(f"{id}: the score {score:g} is not from 0 to 10")

    def make(check: Check) -> Rule:
        event, takes, waits = _arguments(id, check)
        return Rule(
            id=id,
            title=title,
            score=score,
            doc=_page(check.__doc__ or "", see or _link_of(mitre)),
            module=check.__module__,
            event=event,
            check=check,
            takes=takes,
            waits=waits,
            on_nodes=on_nodes,
            is_on=is_on,
            tools=frozenset(tools),
            is_about_writing=is_about_writing,
            needs=needs,
            mitre=mitre,
            falco=falco,
        )

    return make


def _page(doc: str, see: str) -> str:
    written = doc.replace("\n    ", "\n").strip()
    return f"{written}\n\nSee: {see}\n"


def _link_of(mitre: tuple[str, ...]) -> str:
    return f"https://attack.mitre.org/techniques/{mitre[-1].replace('.', '/')}/" if mitre else ""


def _arguments(id: str, check: Check) -> tuple[type[Event], int, bool]:
    hints: dict[str, Any] = get_type_hints(check)
    hints.pop("return", None)
    types = tuple(hints.values())
    if not 2 <= len(types) <= 3 or not issubclass(types[0], Event) or types[1] is not Actor:
        raise TypeError(f"{id}: a rule takes an event, an Actor, and perhaps a Baseline")
    if len(types) == 3 and types[2] is not Baseline and set(get_args(types[2])) != {Baseline, NoneType}:
        raise TypeError(f"{id}: the third argument is a Baseline, or a Baseline | None")
    return types[0], len(types), len(types) == 3 and types[2] is Baseline


class Page(Struct, frozen=True):
    """The docstring of a rule, taken apart."""

    what: str
    why: str
    first: tuple[str, ...]
    """What to do first."""
    false_positives: str
    links: tuple[str, ...]


def page_of(rule: Rule) -> Page:
    """Parts are apart by an empty line: what; why; ``First:`` with a line ``- …`` each; ``False positives:``; ``See:``."""
    parts = [" ".join(line.strip() for line in part.split("\n")) for part in rule.doc.strip().split("\n\n")]
    named = {
        name: next((part[len(name) :].strip() for part in parts if part.startswith(name)), "")
        for name in ("First:", "False positives:", "See:")
    }
    plain = [part for part in parts if not part.startswith(tuple(named))]
    steps = tuple(step.strip() for step in named["First:"].removeprefix("-").split(" - ") if step.strip())
    return Page(
        plain[0] if plain else "",
        " ".join(plain[1:]),
        steps,
        named["False positives:"],
        tuple(named["See:"].split()),
    )
