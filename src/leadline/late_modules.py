"""Modules that stand in for others while a library is imported.

Libraries name at their top what they use in a few functions, and what they name may take longer to import than they take
themselves. Where it is stood in for, it is found as it is by whatever uses it later: nothing but the moment of its import changes.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


class LateModule(ModuleType):
    """Imports the module that it is called after when something is first asked of it that it was not given."""

    def __init__(self, name: str, **given: object) -> None:
        super().__init__(name)
        vars(self).update(given)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            # What Python itself asks of a module; its own are set.
            raise AttributeError(name)
        return getattr(self.real_module(), name)

    def real_module(self) -> ModuleType:
        """The module that it stands in for, imported."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


@contextmanager
def in_place_of(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """``modules`` are found by those names meanwhile; ``None`` for such as are not to be found. What is imported already stays."""
    stand_ins = {name: module for name, module in modules.items() if name not in sys.modules}
    # Python's documentation of ``sys.modules`` gives ``None`` this meaning; stubs do not.
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
