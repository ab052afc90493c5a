"""The stages of a Dockerfile, and which of them the image is made of."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from leadline.sbom.dockerfile.instructions import Instruction, RefusedError
from leadline.sbom.dockerfile.variables import pairs_of, replaced

NOTHING = "scratch"
"""The base of an image that builds on none."""
_MOST_INSTRUCTIONS = 5_000
_MOST_STAGES = 500
_REPLACED = frozenset(("USER", "EXPOSE", "ADD"))


class Step(Struct, frozen=True):
    """An instruction of a stage."""

    at: int
    """Its number in the file, from 0."""
    one: Instruction
    text: str | None = ""
    """Of a ``FROM``, ``USER``, ``EXPOSE`` or ``ADD`` what it says with its variables; ``None`` where one has no value."""


class Stage(Struct):
    """From one ``FROM`` to the next."""

    start: Step
    name: str = ""
    """In lower case; empty where it has none."""
    parent: "Stage | None" = None
    """The stage of this file that it builds on."""
    steps: list[Step] = field(default_factory=list)
    environment: dict[str, str | None] = field(default_factory=dict)
    """What ``ENV`` sets, here and in the stages that it builds on."""

    @property
    def base(self) -> str | None:
        """The image or stage that it builds on; ``None`` where a variable has no default."""
        return None if self.start.text is None else self.start.text.split()[0]


def stages_of(instructions: Sequence[Instruction]) -> tuple[Stage, ...]:
    """In the order of the file; the last is what is built where none is named.

    Raises: ``RefusedError`` for a file of more than ``_MOST_INSTRUCTIONS`` or ``_MOST_STAGES``.
    """
    if len(instructions) > _MOST_INSTRUCTIONS:
        raise RefusedError(f"more than {_MOST_INSTRUCTIONS:,} instructions", is_too_large=True)
    stages: list[Stage] = []
    by_name: dict[str, Stage] = {}
    outer: dict[str, str | None] = {}
    known: dict[str, str | None] = {}
    for at, one in enumerate(instructions):
        if one.is_trigger:
            stages[-1].steps.append(Step(at, one))
        elif one.name == "FROM":
            stages.append(_begun(Step(at, one, replaced(one.text, outer)), by_name))
            known = dict(stages[-1].environment)
            if len(stages) > _MOST_STAGES:
                raise RefusedError(f"more than {_MOST_STAGES} stages", is_too_large=True)
        elif not stages:
            outer.update(
                (name, None if value is None else replaced(value, outer)) for name, value in pairs_of(one)
            )
        else:
            stages[-1].steps.append(Step(at, one, replaced(one.text, known) if one.name in _REPLACED else ""))
            if one.name in ("ARG", "ENV"):
                # What one instruction sets counts from the next on.
                new = {n: outer.get(n) if v is None else replaced(v, known) for n, v in pairs_of(one)}
                known.update(new)
                if one.name == "ENV":
                    stages[-1].environment.update(new)
    return tuple(stages)


def built(stages: Sequence[Stage]) -> Iterator[Stage]:
    """The stages that the image consists of: those that the last one builds on, and the last."""
    chain: list[Stage] = []
    one: Stage | None = stages[-1]
    while one is not None:
        chain.append(one)
        one = one.parent
    return reversed(chain)


def _begun(start: Step, by_name: dict[str, Stage]) -> Stage:
    words = (start.one.text if start.text is None else start.text).split()
    if len(words) != 1 and not (len(words) == 3 and words[1].lower() == "as"):
        raise RefusedError("FROM is not 'FROM IMAGE' or 'FROM IMAGE AS NAME'", start.one.line)
    parent = None if start.text is None else by_name.get(words[0].lower())
    stage = Stage(start, parent=parent, environment=dict(parent.environment) if parent else {})
    if len(words) == 3:
        stage.name = words[2].lower()
        by_name[stage.name] = stage
    return stage
