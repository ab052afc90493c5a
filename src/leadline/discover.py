"""Finds what a folder offers: controls, cataloguers, formats, probes and rules alike."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def discover(package: ModuleType, kind: type[T]) -> list[T]:
    """Every module-level value of ``kind`` in ``package`` and below, in module order."""
    found: list[T] = []
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        members = vars(importlib.import_module(module.name)).values()
        found += [member for member in members if isinstance(member, kind)]
    return found
