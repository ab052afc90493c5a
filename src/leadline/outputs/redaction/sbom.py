"""An SBOM without secrets: authors write what they like into names, descriptions, paths and configurations."""

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec import Struct, structs

from leadline.model.package import Package, Sbom
from leadline.outputs.redaction.shapes import HIDDEN, redacted_text
from leadline.outputs.redaction.values import SecretValues

S = TypeVar("S", bound=Struct)


def redacted_sbom(sbom: Sbom, hidden: Iterable[str] = ()) -> Sbom:
    """``sbom`` without what looks like a secret, and without ``hidden``, which its image's configuration holds.

    Packages that differed in nothing but a secret are one.
    """
    found = SecretValues()
    for value in hidden:
        found.add(value)
    shown = _Hider(found).struct(sbom)
    if shown is not sbom:
        shown = structs.replace(shown, packages=tuple(dict.fromkeys(shown.packages)))
    return shown


class _Hider:
    """Walks values of ``model``. What holds no secret stays the same object."""

    def __init__(self, found: SecretValues) -> None:
        self._found = found
        self._shown: dict[str, str] = {}
        """Texts that come again with each package: licences, layers, types."""

    def struct(self, value: S) -> S:
        changed: dict[str, Any] = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            if not old:
                continue
            new = self._any(old)
            if new is not old:
                changed[name] = new
        if isinstance(value, Package) and value.namespace and "name" not in changed:
            # Shown together, they may be a credential that neither is alone.
            whole = f"{value.namespace}/{value.name}"
            if self._text(whole) != whole:
                changed |= {"namespace": "", "name": HIDDEN}
        return structs.replace(value, **changed) if changed else value

    def _any(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            items = tuple([self._any(item) for item in value])
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return self.struct(value) if isinstance(value, Struct) else value

    def _text(self, text: str) -> str:
        shown = self._shown.get(text)
        if shown is None:
            shown = self._shown[text] = self._hidden(text)
        return text if shown == text else shown

    def _hidden(self, text: str) -> str:
        shown = self._found.hide(redacted_text(text))
        if shown == text:
            return text
        from leadline.outputs.redaction.bodies import storable_text  # brings the checks of objects

        return storable_text(shown)
