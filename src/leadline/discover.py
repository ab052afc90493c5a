"""Finds what a folder offers: controls, cataloguers, formats, probes and rules alike."""

import importlib
import os
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def discover(package: ModuleType, kind: type[T], without: tuple[str, ...] = ()) -> list[T]:
    """Every module-level value of ``kind`` in ``package`` and below, in module order.

    Modules whose names end as one of ``without`` are not imported.
    """
    return [value for _, _, value in members(package, kind, without)]


def members(
    package: ModuleType, kind: type[T], without: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, T]]:
    """As ``discover``; before each value the dotted name of its module, and its own there."""
    for folder in package.__path__:
        for module in _modules(folder, package.__name__):
            if module.endswith(without):
                continue
            for name, value in vars(importlib.import_module(module)).items():
                if isinstance(value, kind):
                    yield module, name, value


def _modules(folder: str, prefix: str) -> Iterator[str]:
    """Dotted names, sorted within each folder. ``pkgutil`` does the same at the price of importing ``inspect``."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name.removesuffix(".py"), entry) for entry in entries if _is_module(entry))
    for name, entry in found:
        if entry.is_dir():
            yield from _modules(entry.path, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}"


def _is_module(entry: "os.DirEntry[str]") -> bool:
    if entry.is_dir():
        return entry.name.isidentifier() and not entry.name.startswith("__")
    return entry.name.endswith(".py") and entry.name != "__init__.py"
