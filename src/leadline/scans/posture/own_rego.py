"""Users' own Rego, read from a folder and joined to the engine that evaluates it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.control import BuiltControl
from leadline.posture.languages.rego import controls_of, setting_name
from leadline.scans.posture.settings import shipped_settings
from leadline.sources.rego.engine import RegoEngine, has_rego
from leadline.sources.rego.loader import read_rego


class OwnRego(Struct, frozen=True):
    controls: tuple[BuiltControl, ...]
    engine: RegoEngine


def own_rego(folder: Path, known: Iterable[BuiltControl], environ: Mapping[str, str]) -> OwnRego | None:
    """The controls of the Rego below ``folder``; ``None`` where there is none.

    Settings that ``known`` controls share with a rule keep the value those ship with.

    Raises: ``UsageError`` where there is Rego and nothing to evaluate it with.
    """
    found = read_rego(folder)
    if not found.rules:
        return None
    if not has_rego():
        raise UsageError(
            f"{folder} holds Rego, which needs an engine that is not installed",
            hint="pip install 'leadline[rego]' brings it",
        )
    engine = RegoEngine(environ)
    shipped = {setting_name(name): values for name, values in found.inputs.items()} | shipped_settings(known)
    return OwnRego(controls_of(found.rules, found.controls, shipped, engine.evaluate), engine)
