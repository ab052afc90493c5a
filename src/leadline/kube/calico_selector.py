"""Calico's selector language: ``app == 'web' && has(tier) || !(zone in {'a', 'b'})``.

Source: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors. A selector
that cannot be read selects nothing, so that no policy is believed to protect what it may not.
"""

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Selector = Callable[[Labels], bool]

_TOKEN = re.compile(r"""\s*(?:(&&|\|\||==|!=|[!(){},])|'([^']*)'|"([^"]*)"|([\w./-]+))""")
_MAX_LENGTH = 4096
_MAX_DEPTH = 50


def compile_calico(selector: str) -> Selector:
    """A test for labels. Empty and ``all()`` select everything."""
    if selector.strip() in ("", "all()"):
        return lambda labels: True
    try:
        parser = _Parser(_tokens(selector))
        test = parser.either(0)
        parser.end()
    except ValueError:
        return lambda labels: False
    return test


def _tokens(selector: str) -> list[tuple[str, str]]:
    if len(selector) > _MAX_LENGTH:
        raise ValueError("too long")
    tokens, at = [], 0
    selector = selector.rstrip()
    while at < len(selector):
        match = _TOKEN.match(selector, at)
        if match is None:
            raise ValueError(selector[at:])
        sign, single, double, word = match.groups()
        if sign is not None:
            tokens.append(("sign", sign))
        elif word is not None:
            tokens.append(("word", word))
        else:
            tokens.append(("text", single if single is not None else double))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def either(self, depth: int) -> Selector:
        if depth > _MAX_DEPTH:
            raise ValueError("too deep")
        tests = [self._both(depth)]
        while self._take("sign", "||"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda labels: any(test(labels) for test in tests)

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError("trailing text")

    def _both(self, depth: int) -> Selector:
        tests = [self._one(depth)]
        while self._take("sign", "&&"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda labels: all(test(labels) for test in tests)

    def _one(self, depth: int) -> Selector:
        if self._take("sign", "!"):
            if depth > _MAX_DEPTH:
                raise ValueError("too deep")
            test = self._one(depth + 1)
            return lambda labels: not test(labels)
        if self._take("sign", "("):
            inner = self.either(depth + 1)
            self._need("sign", ")")
            return inner
        word = self._need("word")
        if word in ("has", "all", "global") and self._take("sign", "("):
            return self._call(word)
        return self._comparison(word)

    def _call(self, name: str) -> Selector:
        key = self._need("word") if name == "has" else ""
        self._need("sign", ")")
        return (lambda labels: key in labels) if name == "has" else (lambda labels: name == "all")

    def _comparison(self, key: str) -> Selector:
        if self._take("sign", "=="):
            value = self._need("text")
            return lambda labels: labels.get(key) == value
        if self._take("sign", "!="):
            value = self._need("text")
            return lambda labels: labels.get(key) != value
        if self._take("word", "not"):
            self._need("word", "in")
            others = self._set()
            return lambda labels: _text(labels, key) not in others
        if self._take("word", "in"):
            among = self._set()
            return lambda labels: _text(labels, key) in among
        for word, test in _TEXT_TESTS.items():
            if self._take("word", word):
                self._take("word", "with")
                value = self._need("text")
                return lambda labels: (text := _text(labels, key)) is not None and test(text, value)
        raise ValueError(key)

    def _set(self) -> frozenset[str]:
        self._need("sign", "{")
        values = []
        while not self._take("sign", "}"):
            values.append(self._need("text"))
            self._take("sign", ",")
        return frozenset(values)

    def _take(self, kind: str, value: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, value):
            self._at += 1
            return True
        return False

    def _need(self, kind: str, value: str | None = None) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise ValueError(f"expected {kind}")
        found = self._tokens[self._at][1]
        if value is not None and found != value:
            raise ValueError(f"expected {value}")
        self._at += 1
        return found


def _text(labels: Labels, key: str) -> str | None:
    """The value of a label; ``None`` where it is absent or no text, as a hostile manifest may have it."""
    value: object = labels.get(key)
    return value if isinstance(value, str) else None


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts": lambda text, part: text.startswith(part),
    "ends": lambda text, part: text.endswith(part),
}
