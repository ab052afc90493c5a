"""Files in every style that YAML allows: an edit changes its own lines and no other."""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from leadline.kube.field_path import has_path, parse_path
from leadline.model.control import Remove
from leadline.scans.fixing.fix_scan import FixAim, FixResult, agree_to_all, fix_scan
from leadline.scans.options import PostureOptions
from leadline.sources.yaml.parser import parse_documents

OPTIONS = PostureOptions(
    controls=("C-0057", "C-0013", "C-0016", "C-0017", "C-0038", "C-0041", "C-0034", "L-0019", "C-0046"),
    environ=os.environ,
)
TEXTS = ("a: b", "yes", "# no comment", "tab\there", "it's", "ü", "1e3", "- x", "{{ a }}", " ")
SCRIPT = 'set -e\n\techo "a: b"  # kept\n\nexec app\n'


class Line(Struct):
    text: str
    path: tuple[str | int, ...]
    """Of what stands on it; for a comment that of what it stands in."""
    is_flow: bool = False


class Writer:
    """Writes values as YAML, each in a style of its own."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.step = dice.choice((2, 2, 4))
        self.dash = dice.choice((0, 2))
        self.anchors = 0

    def lines(self, value: Any, indent: int, path: tuple[str | int, ...]) -> Iterator[Line]:
        if isinstance(value, dict):
            for key, below in value.items():
                yield from self.noise(indent, path)
                yield from self.entry(" " * indent + f"{self.key(key)}:", below, indent, (*path, key))
        else:
            for number, below in enumerate(value):
                yield from self.noise(indent, path)
                yield from self.item(below, indent, (*path, number))

    def entry(self, head: str, value: Any, indent: int, path: tuple[str | int, ...]) -> Iterator[Line]:
        is_flow = not value or self.dice.random() < 0.2
        if not isinstance(value, dict | list):
            yield from self.scalar(head, value, indent, path)
        elif is_flow and "\n" not in json.dumps(value).replace("\\n", "\n"):
            yield Line(f"{head}{self.gap()}{self.flow(value)}{self.remark()}", path, is_flow=True)
        else:
            yield Line(f"{head}{self.anchor()}{self.remark()}", path)
            yield from self.lines(value, indent + (self.dash if isinstance(value, list) else self.step), path)

    def item(self, value: Any, indent: int, path: tuple[str | int, ...]) -> Iterator[Line]:
        if not isinstance(value, dict):
            yield from self.scalar(" " * indent + "-", value, indent, path)
            return
        rows = [
            row
            for key, below in value.items()
            for row in self.entry(" " * (indent + 2) + f"{key}:", below, indent + 2, (*path, key))
        ]
        yield Line(" " * indent + "- " + rows[0].text[indent + 2 :], rows[0].path, rows[0].is_flow)
        yield from rows[1:]

    def scalar(self, head: str, value: Any, indent: int, path: tuple[str | int, ...]) -> Iterator[Line]:
        if isinstance(value, str) and "\n" in value:
            yield Line(f"{head} |{self.remark()}", path)
            for row in value.removesuffix("\n").split("\n"):
                yield Line(" " * (indent + 2) + row if row else "", path)
        else:
            yield Line(f"{head}{self.gap()}{self.word(value)}{self.remark()}", path)

    def noise(self, indent: int, path: tuple[str | int, ...]) -> Iterator[Line]:
        if self.dice.random() < 0.15:
            yield Line(
                self.dice.choice(
                    ("", " " * indent + "# a comment", " " * indent + "#\tprivileged: true", "# far left")
                ),
                path,
            )

    def remark(self) -> str:
        return self.dice.choice(("", "", "", "", " # why?", "\t# tab", "   #x: {y}"))

    def gap(self) -> str:
        return self.dice.choice((" ", " ", " ", "   "))

    def anchor(self) -> str:
        self.anchors += 1
        return f" &a{self.anchors}" if self.dice.random() < 0.1 else ""

    def key(self, key: str) -> str:
        return self.dice.choice((key, key, key, f'"{key}"', f"'{key}'"))

    def word(self, value: Any) -> str:
        if isinstance(value, str):
            is_safe = value.isidentifier() or value.replace(":", "").replace(".", "").isalnum()
            is_safe = is_safe and value not in TEXTS
            choices = [json.dumps(value, ensure_ascii=False)]
            choices += ["'" + value.replace("'", "''") + "'"] if "\t" not in value else []
            return self.dice.choice([*choices, *([value] * 3 if is_safe else [])])
        return json.dumps(value)

    def flow(self, value: Any) -> str:
        blank = self.dice.choice(("", " "))
        if isinstance(value, dict):
            return (
                "{"
                + blank
                + ", ".join(f"{self.key(k)}: {self.flow(v)}" for k, v in value.items())
                + blank
                + "}"
            )
        if isinstance(value, list):
            return "[" + blank + ", ".join(map(self.flow, value)) + blank + "]"
        return json.dumps(value) if not isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pod(dice: random.Random, name: str) -> dict[str, Any]:
    containers = []
    for number in range(dice.randint(1, 3)):
        container: dict[str, Any] = {"name": f"c{number}", "image": "busybox:1.36"}
        if dice.random() < 0.5:
            container["securityContext"] = dice.choice(
                (
                    {"privileged": True},
                    {"privileged": True, "runAsUser": 7},
                    {"capabilities": {"add": ["SYS_ADMIN", "NET_ADMIN"]}},
                    {"runAsNonRoot": False, "capabilities": {"drop": []}},
                    {},
                )
            )
        if dice.random() < 0.5:
            container["args"] = [dice.choice(TEXTS) for _ in range(dice.randint(1, 3))]
        if dice.random() < 0.3:
            container["command"] = ["sh", "-c", SCRIPT]
        if dice.random() < 0.5:
            rows = list(container.items())
            dice.shuffle(rows)
            container = dict(rows)
        containers.append(container)
    spec: dict[str, Any] = {"containers": containers}
    for key in ("hostPID", "hostNetwork"):
        if dice.random() < 0.3:
            spec[key] = True
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": {"note": dice.choice(TEXTS)}},
        "spec": spec,
    }


def written(dice: random.Random, bodies: list[dict[str, Any]]) -> tuple[list[Line], bool]:
    """The lines of a file, each with its path below the number of its document; and whether it is JSON."""
    is_list = dice.random() < 0.3
    documents = [{"apiVersion": "v1", "kind": "List", "items": bodies}] if is_list else bodies
    if dice.random() < 0.15:
        return [Line(json.dumps(documents[0], ensure_ascii=False), (0,), is_flow=True)], True
    rows: list[Line] = []
    for number, document in enumerate(documents):
        rows += [Line("---", (-1,))] if number or dice.random() < 0.3 else []
        rows += Writer(dice).lines(document, 0, (number,))
    return rows, False


def edited_paths(result: FixResult) -> list[tuple[bool, tuple[str | int, ...]]]:
    """Whether each edit removes, and its path below the number of the document."""
    found = []
    for edit in result.made:
        origin = result.objects[edit.on].origin
        found.append(
            (isinstance(edit.change, Remove), (origin.document, *parse_path(origin.inside + edit.path)))
        )
    return found


def may_change(
    line: Line, documents: dict[int, Any], paths: list[tuple[bool, tuple[str | int, ...]]]
) -> bool:
    for removes, path in paths:
        depth = len(path)
        while depth > 1 and not has_path(documents[int(path[0])], path[1:depth]):
            depth -= 1
        deepest = path[:depth]
        # A removal may empty its parents' line as well: ``securityContext: {}``; a flow line holds all below it.
        is_own = line.path == deepest or (removes and line.path in (path[:-1], path[:-2]))
        is_below = line.path[: len(path)] == path
        is_around = line.is_flow and path[: len(line.path)] == line.path
        if is_own or is_below or is_around:
            return True
    return False


def survive(kept: list[str], after: list[str]) -> bool:
    """Whether ``kept`` stand in ``after``, in that order."""
    rows = iter(after)
    return all(any(row == line for row in rows) for line in kept)


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_line_changes_but_those_of_the_edits(tmp_path_factory: pytest.TempPathFactory, seed: int):
    dice = random.Random(seed)
    folder = tmp_path_factory.mktemp("styles")
    newline = dice.choice(("\n", "\n", "\r\n"))
    bodies = [pod(dice, f"p{number}") for number in range(dice.randint(1, 3))]
    lines, is_json = written(dice, bodies)
    text = newline.join(line.text for line in lines) + dice.choice(("", newline))
    (folder / ("a.json" if is_json else "a.yaml")).write_bytes(text.encode())
    documents = {d.index: d.body for d in parse_documents(text.encode())}
    assert not any(d.problem for d in parse_documents(text.encode())), text

    result = fix_scan([str(folder)], OPTIONS, FixAim(agrees=agree_to_all))

    assert result.unread == ()
    assert result.not_made == (), (text, [one.why for one in result.not_made])
    (file,) = result.files
    paths = edited_paths(result)
    kept = [line.text for line in lines if not may_change(line, documents, paths)]
    after = file.after.split(newline)
    assert survive(kept, after), (text, file.after)
    assert file.after.count("\r\n") == (file.after.count("\n") if newline == "\r\n" else 0)
    # What is new takes at most a line for each step of its path.
    most = sum(len(path) for _, path in paths)
    assert len(after) <= len(lines) + 1 + most
