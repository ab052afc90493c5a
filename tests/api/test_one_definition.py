"""A field of the wire is defined once: in the Struct of its kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import inspect

import leadline
from leadline.api.catalogue import KINDS
from leadline.kube.kinds import SHORT_NAMES

SOURCE = Path(leadline.__file__).parent
ROOMS = ("api", "scans/stored", "programs/apiserver", "programs/exporter", "programs/operator")
DEFINING = {"api/stored.py"} | {f"api/kinds/{path.name}" for path in (SOURCE / "api/kinds").glob("*.py")}
OF_ANY_OBJECT = frozenset(
    [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
        "name",
        "namespace",
        "uid",
        "labels",
        "annotations",
        "id",
        "version",
        "type",
    ]
)
"""Fields that objects of Kubernetes and other documents have as well."""

OF_KUBERNETES = (
    frozenset({"podSelector", "policyTypes"}),
    frozenset({"port", "protocol"}),
    frozenset({"reason", "message"}),
)
"""Parts of a NetworkPolicy, which are the same within a GeneratedNetworkPolicy, and of conditions and refusals."""
PARTIAL = {
    "programs/operator/schedule.py": "it merges what changes into an object that it keeps as it is",
    "programs/apiserver/computed/tending.py": "it changes the phase of an object that others write",
}


def parts(info: inspect.Type) -> Iterator[frozenset[str]]:
    """The fields of each Struct below a kind's."""
    match info:
        case inspect.StructType(fields=fields):
            yield frozenset(field.encode_name for field in fields) - OF_ANY_OBJECT
            for field in fields:
                yield from parts(field.type)
        case inspect.UnionType(types=types):
            for one in types:
                yield from parts(one)
        case inspect.Metadata(type=inner) | inspect.VarTupleType(item_type=inner):
            yield from parts(inner)
        case inspect.DictType(value_type=inner):
            yield from parts(inner)


DEFINED = {names for kind in KINDS for names in parts(inspect.type_info(kind.struct))}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def named(tree: ast.AST) -> Iterator[tuple[int, frozenset[str]]]:
    """Line and fields of each dictionary that is written out, and of each Struct."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                names = [key.value for key in keys if isinstance(key, ast.Constant)]
                yield node.lineno, frozenset(name for name in names if isinstance(name, str))
            case ast.ClassDef(bases=[ast.Name(id="Struct" | "Wire"), *_], keywords=keywords, body=body):
                if any(word.arg == "rename" for word in keywords):
                    targets = [one.target for one in body if isinstance(one, ast.AnnAssign)]
                    yield node.lineno, frozenset(camel(t.id) for t in targets if isinstance(t, ast.Name))


def second_definitions(tree: ast.AST) -> list[int]:
    return [
        line
        for line, names in named(tree)
        if len(own := names - OF_ANY_OBJECT) > 1
        and own not in OF_KUBERNETES
        and any(own <= defined for defined in DEFINED)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_module_names_the_fields_of_a_kind(room: str):
    found = [
        f"{name}:{line}"
        for path in sorted((SOURCE / room).rglob("*.py"))
        if (name := path.relative_to(SOURCE).as_posix()) not in {*DEFINING, *PARTIAL}
        for line in second_definitions(ast.parse(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'status = {"phase": "Failed", "startedAt": now}',
        'class Path(Struct, rename="camel"):\n    failed_path: str\n    fix_path: str',
    ],
)
def test_a_second_definition_is_found(code: str):
    assert second_definitions(ast.parse(code))


def test_every_kind_has_a_short_name_that_no_other_has():
    names = [name for kind in KINDS for name in kind.short_names]
    assert all(kind.short_names for kind in KINDS)
    taken = {*SHORT_NAMES, *(kind.plural for kind in KINDS), *(kind.singular for kind in KINDS)}
    assert len(set(names)) == len(names)
    assert not taken & set(names)
