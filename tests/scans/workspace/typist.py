"""Someone who types at random: keys, half-written YAML, undo, files that come, go and are renamed. Each save is held against a
fresh scan of the same folder."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from fresh_scan import said_by, said_by_scan

from leadline.model.resource import Origin
from leadline.scans.options import PostureOptions
from leadline.scans.workspace.workspace import Asked, Workspace
from leadline.sources.manifests.reader import read_text
from leadline.sources.yaml.parser import parse_documents

_PIECES = (
    *(
        "  ",
        "\n",
        "- ",
        ": ",
        "'",
        '"',
        "{",
        "[",
        "}",
        "]",
        "#",
        "---\n",
        "x",
        "0",
        "é",
        "😀",
        "\t",
        "&a ",
        "*a",
        "|\n",
    ),
    *(
        "privileged: true\n",
        "hostNetwork: true\n",
        "        runAsNonRoot: true\n",
        "namespace: shop\n",
        "kind: Pod\n",
    ),
)
_SEPARATOR = "\n---\n"


class Typist:
    def __init__(self, top: Path, model: Path, seed: int) -> None:
        """``top`` holds the files; ``model``, empty, is given what counts of them."""
        self.chance = random.Random(seed)
        self.top, self.model = top, model
        self.texts = {path.name: path.read_text() for path in sorted(top.glob("*.yaml"))}
        for name, text in self.texts.items():
            (model / name).write_text(text)
        self.good = dict(self.texts)
        self.before: dict[str, list[str]] = {name: [] for name in self.texts}
        self.workspace = Workspace(str(top), Asked(PostureOptions()))
        self.compared = self.broken = 0

    def step(self) -> None:
        """One key, undo, save or change of a file."""
        name = self.chance.choice(sorted(self.texts))
        match self.chance.randrange(20):
            case 0 | 1 if self.before[name]:
                self._show(name, self.before[name].pop(), is_undo=True)
            case 2 | 3:
                self.save(name)
            case 4 if self.chance.random() < 0.3:
                self._rename(name)
            case 5 if self.before[name]:
                # Back to where it was last known to be right.
                self._show(name, self.good[name])
            case _:
                self._show(name, self._typed(self.texts[name]))

    def save(self, name: str) -> None:
        if self.chance.random() < 0.7:  # most people save what is right
            for one in sorted(self.texts):
                if not self.workspace.is_current(str(self.top / one)):
                    self._show(one, self.good[one])
        (self.top / name).write_text(self.texts[name])
        self.workspace.refresh()
        self.compare()

    def compare(self) -> None:
        """Raises: ``AssertionError`` where the workspace says something else than a fresh scan."""
        wanted, _ = said_by_scan(self.model, PostureOptions())
        wanted_here = {
            (file.replace(str(self.model), str(self.top)), *rest): n for (file, *rest), n in wanted.items()
        }
        said, unread = said_by(self.workspace)
        is_current = all(self.workspace.is_current(str(self.top / name)) for name in self.texts)
        if is_current:
            assert dict(said) == wanted_here
        else:
            # The lines of what broke are moved along, so the objects and their problems alone are compared.
            assert _without_lines(dict(said)) == _without_lines(wanted_here)
            assert unread
            self.broken += 1
        self.compared += 1

    def _show(self, name: str, text: str, *, is_undo: bool = False) -> None:
        if not is_undo:
            self.before[name] = [*self.before[name][-50:], self.texts[name]]
        self.texts[name] = text
        self.workspace.show(str(self.top / name), text)
        self._keep_good(name)

    def _keep_good(self, name: str) -> None:
        state = self.workspace.folder.files[str(self.top / name)]
        text, good = self.texts[name], self.good[name]
        problems = [one.problem for one in parse_documents(text.encode())]
        if not state.unread:
            good = text
        elif state.good is not None:
            good = state.good.text.decode()
            for piece in _sound(text, problems):
                assert piece in good
        self.good[name] = good
        (self.model / name).write_text(good)

    def _rename(self, name: str) -> None:
        other = f"{self.chance.randrange(10_000)}-{name.split('-')[-1]}"
        self.workspace.hide(str(self.top / name))
        (self.top / name).unlink()
        (self.model / name).unlink()
        text = self.texts.pop(name)
        if _is_broken(text):
            text = self.good[name]
        self.texts[other] = self.good[other] = text
        self.before[other] = []
        for file in (self.top / other, self.model / other):
            file.write_text(text)
        del self.before[name], self.good[name]
        self.workspace.refresh()
        self.workspace.show(str(self.top / other), text)

    def _typed(self, text: str) -> str:
        at = self.chance.randrange(len(text) + 1)
        match self.chance.randrange(8):
            case 0:
                return text[:at] + text[at + self.chance.randrange(1, 12) :]
            case 1:
                lines = text.splitlines(keepends=True)
                number = self.chance.randrange(len(lines) or 1)
                return "".join(lines[:number] + lines[number + 1 :])
            case 2:
                lines = text.splitlines(keepends=True)
                number = self.chance.randrange(len(lines) or 1)
                return "".join(lines[: number + 1] + lines[number:])
            case 3:
                documents = text.split(_SEPARATOR)
                self.chance.shuffle(documents)
                return _SEPARATOR.join(documents)
            case _:
                return text[:at] + self.chance.choice(_PIECES) + text[at:]


def _is_broken(text: str) -> bool:
    return any(one.problem for one in parse_documents(text.encode()))


def _sound(text: str, problems: Sequence[object]) -> Iterator[str]:
    """The documents of ``text`` that can be read, where borders are plain enough to find them without our reader."""
    pieces = text.split(_SEPARATOR)
    if len(pieces) == len(problems) > 1 and "\n..." not in text and not text.startswith("---"):
        for piece, problem in zip(pieces, problems, strict=True):
            contents = read_text(piece.encode(), Origin(path="piece.yaml"))
            if not problem and contents.resources and not contents.unread:
                yield piece


def _without_lines(said: dict[tuple[object, ...], int]) -> dict[tuple[object, ...], int]:
    found: dict[tuple[object, ...], int] = {}
    for (file, _, *rest), number in said.items():
        found[file, *rest] = found.get((file, *rest), 0) + number
    return found
