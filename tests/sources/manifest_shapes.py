"""Manifests in the shapes that hide something: what a mutation of sound files hardly ever comes upon."""

import json
import random
from collections.abc import Callable, Iterator

_NAMES = ("m", "n")
_SCALARS = (
    "true", "yes", "on", "y", "false", "1", "0o17", "017", "1_0", "1e3", ".5", "0x1f", "null", "~", "a b", "'x'", '"x"',
    '"a\\x41"', '"\\u00e9"', "!!str true", "!!bool yes", "!!int 7", "!!float 1", "!!binary aGk=", "!own x", "! 12",
    "é", "|\n{i}  a\n{i}  b", ">-\n{i}  a\n{i}  b", "2001:db8::1", "12:30:45", "2001-01-01", '"\\0"', "x#y", "<<", "=",
    "18446744073709551615", "9223372036854775808", "-0", "+1", "1.0", "@x", "%x", "a: b", '"a" b', "[a:]", "{a}", "{a:}",
    "- a", "? a", '"a\\\n{i}b"', "a\n{i}  b", "\tx", "x\t", "*m", "*n", "*zz", "a\u2028b", "a\u0085b", "\ufeffx", "a\x00b",
)  # fmt: skip
_TYPES = (
    ("v1", "Pod"), ("v1", "Pod"), ("v1", "List"), ("v1", "PodList"), ("", "List"), ("v1", "Pod"),
    ("apps/v1", "Deployment"), ("rbac.authorization.k8s.io/v1", "ClusterRoleBindingList"), ("acme.example/v1", "Thing"),
    ("acme.example/v1", "ThingList"), ("v1", "ConfigMap"), ("apps/v1", "ControllerRevision"),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"), ("addons.cluster.x-k8s.io/v1beta1", "ClusterResourceSet"),
    ("work.open-cluster-management.io/v1", "ManifestWork"), ("kubernetes.crossplane.io/v1alpha2", "Object"),
    ("argoproj.io/v1alpha1", "Application"), ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
)  # fmt: skip
_BORDERS = (
    "---",
    "--- ",
    "---\t",
    "--- # x",
    "---#",
    "...",
    "...\n---",
    "--- !!map",
    "---\n---",
    "--- {a: 1}",
    "----",
    " ---",
)
_LINE_ENDS = ("\n",) * 12 + (
    "\r\n",
    "\r",
    "\n\n",
    "\n\t\n",
    "\u0085",
    "\u2028",
    " \n",
    "\n# x\n",
    "\n#\ufeff\n",
)


class Shapes:
    """An endless row of files, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = 0
        self._seen: list[str] = []
        """Anchors of the document at hand."""
        self._oddness = 1.0
        """Of the file at hand: where everything is odd, nothing is read."""

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Ending of the file's name, and content."""
        while True:
            self._number += 1
            self._oddness = self._pick((0.05, 0.15, 0.4, 1.0))
            yield self._file()

    def _file(self) -> tuple[str, bytes]:
        roll = self._chance.random()
        if roll < 0.25:
            text = self._pick((" ", "\n", "", "", "\n---\n", ",")).join(
                self._json() for _ in range(self._pick((1, 1, 1, 2, 3)))
            )
        elif roll < 0.26:
            text = self._long()
        else:
            text = self._stream()
        return self._pick((".yaml", ".yml", ".json", ".yaml")), self._encoded(self._broken(text))

    def _pick(self, choices):
        return self._chance.choice(choices)

    def _is(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _is_odd(self, probability: float) -> bool:
        return self._is(probability * self._oddness)

    # YAML

    def _stream(self) -> str:
        end = self._pick(_LINE_ENDS)
        parts = [self._document() for _ in range(self._pick((1, 1, 1, 2, 3)))]
        text = parts[0]
        for part in parts[1:]:
            text += self._pick(_BORDERS) + "\n" + part
        if self._is(0.1):
            text = (
                self._pick(
                    (
                        "---\n",
                        "%YAML 1.1\n---\n",
                        "%YAML 1.2\n---\n",
                        "# x\n",
                        "---#\n",
                        "\n",
                        "%TAG ! tag:x,2000:\n---\n",
                        "... \n",
                    )
                )
                + text
            )
        return text.replace("\n", end) if self._is(0.1) else text

    def _document(self) -> str:
        self._seen = []
        if self._is(0.1):
            return "\n".join(self._flow(row) for row in [self._object(0)]) + "\n"
        return "".join(self._lines(self._object(0), ""))

    def _object(self, depth: int) -> list[tuple[str, object]]:
        """Keys and values as they are to be written; a list may name one key more than once."""
        api, kind = self._pick(_TYPES)
        rows: list[tuple[str, object]] = []
        if api:
            rows.append(("apiVersion", api))
        if kind:
            rows.append(("kind", kind))
        if self._is_odd(0.05):
            rows.pop(self._chance.randrange(len(rows)))
        rows.append(
            (
                "metadata",
                [("name", f"o{self._number}"), *([("labels", [("a", "b")])] if self._is(0.2) else [])],
            )
        )
        if self._is(0.4 if kind.endswith("List") else 0.12):
            rows.append(("items", self._items(depth)))
        rows.append(("spec", self._inside(kind, depth)))
        if kind in ("ControllerRevision", "ConfigMap") and self._is(0.6):
            rows.append(("data", self._inside(kind, depth)))
        for _ in range(self._pick((0, 1, 1, 2)) if self._is_odd(0.6) else 0):
            rows.insert(self._chance.randrange(len(rows) + 1), self._odd_row())
        if self._is_odd(0.3):
            self._chance.shuffle(rows)
        return rows

    def _inside(self, kind: str, depth: int) -> list[tuple[str, object]]:
        """What such an object holds, be it other objects."""
        inner = dict(enumerate(self._object(depth + 1) if depth < 2 else [("x", "1")]))
        match kind:
            case "ControllerRevision":
                return [("spec", [("template", [("spec", self._spec())])])]
            case "ConfigMap":
                return [("a.yaml", "|\n{i}  apiVersion: v1\n{i}  kind: Pod\n{i}  metadata: {name: a}")]
            case "ManifestWork":
                return [("workload", [("manifests", (inner,))])]
            case "Object":
                return [("forProvider", [("manifest", list(inner.values()))])]
            case _:
                return self._spec()

    def _items(self, depth: int) -> object:
        if depth > 2 or self._is(0.1):
            return self._pick(("null", "[]", "{}", "x"))
        items: list[object] = []
        for _ in range(self._pick((1, 1, 2))):
            rows = self._object(depth + 1)
            if self._is(0.4):
                rows = [row for row in rows if row[0] not in ("apiVersion", "kind")]
            items.append(dict(enumerate(rows)))
        if self._is(0.1):
            items.append(self._pick(("x", "null", "1", "*m")))
        return tuple(items)

    def _spec(self) -> list[tuple[str, object]]:
        containers = [
            {
                0: ("name", f"c{i}"),
                1: ("image", "a"),
                **({2: ("securityContext", [("privileged", self._scalar())])} if self._is(0.7) else {}),
            }
            for i in range(self._pick((1, 2)))
        ]
        rows: list[tuple[str, object]] = [("containers", tuple(containers))]
        for name in ("hostPID", "hostNetwork"):
            if self._is(0.5):
                rows.append((name, self._scalar()))
        if self._is(0.3):
            rows.append(("x", (self._scalar(), self._scalar())))
        if self._is_odd(0.6):
            rows.insert(self._chance.randrange(len(rows) + 1), self._odd_row())
        return rows

    def _odd_row(self) -> tuple[str, object]:
        return self._pick(
            (
                ("<<", "*m"), ("<<", "*n"), ("<<", [("hostPID", "true")]), ("<<", ("*m", "*n")), ('"<<"', "*m"),
                ("!!merge <<", "*m"), ("&m <<", "*n"), ("<<", ([("hostPID", "true")], [("hostPID", "false")])),
                ("<<", "null"), ("<<", "x"), ("*m ", "x"), ("*n ", "true"), ("&m k", "x"), ("&n hostPID", "true"),
                ("hostPID", "true"), ("hostPID", "false"), ("metadata", [("name", "twice")]), ("kind", "Pod"),
                ("? kind\n", "x"), ("y", "1"), ("012", "x"), ("1.5", "x"), ("null", "x"), ("!!str kind", "Pod"),
                ("spec", "null"), ("\ufeffkind", "Pod"), ("[a]", "x"), ("{a: b}", "x"), ("'kind'", "Pod"),
                ("apiVersion", "v1"), ("metadata", "null"), ('"metadata"', [("annotations", [("a", "1")])]),
            )
        )  # fmt: skip

    def _scalar(self) -> str:
        if self._is_odd(0.6):
            return self._pick(_SCALARS)
        return (
            "*" + self._pick(self._seen)
            if self._seen and self._is(0.4)
            else self._pick(("true", "true", "yes", "false"))
        )

    def _key(self, key: str) -> str:
        roll = self._chance.random() / self._oddness
        if key.isalpha():
            at = self._chance.randrange(len(key))
            if roll < 0.02:
                return f'"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"'
            if roll < 0.03:
                return f'"{key[:at]}\\x{ord(key[at]):02X}{key[at + 1 :]}"'
            if roll < 0.04:
                return f"!!str {key}"
            if roll < 0.05:
                return f'"{key}"'
            if roll < 0.06:
                return f"'{key}'"
            if roll < 0.065:
                return "\ufeff" + key
            if roll < 0.07:
                return f"&{self._pick(_NAMES)} {key}"
        return key

    def _anchor(self) -> str:
        if not self._is(0.05 + 0.1 * self._oddness):
            return ""
        self._seen.append(self._pick(_NAMES))
        return f"&{self._seen[-1]} "

    def _lines(self, rows, indent: str) -> list[str]:
        lines = []
        for key, value in rows:
            anchor = self._anchor()
            head = f"{indent}{self._key(key)}:"
            if isinstance(value, list) and self._is(0.85):
                lines += [f"{head} {anchor}".rstrip() + "\n", *self._lines(value, indent + "  ")]
            elif isinstance(value, tuple) and value and self._is(0.85):
                dash = indent + self._pick(("", "  "))
                lines.append(f"{head} {anchor}".rstrip() + "\n")
                lines += [line for item in value for line in self._item(item, dash)]
            else:
                lines.append(f"{head} {anchor}{self._flow(value, indent)}\n")
            if self._is_odd(0.005):
                lines.append("\ufeff\n")
        return lines

    def _item(self, item, dash: str) -> list[str]:
        anchor = self._anchor()
        rows = list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else None
        if rows is None or self._is(0.2):
            return [f"{dash}- {anchor}{self._flow(item, dash)}\n"]
        inner = self._lines(rows, dash + "  ")
        if anchor or not inner[0].startswith(dash + "  "):
            return [f"{dash}- {anchor}\n", *inner]
        return [f"{dash}- {inner[0].removeprefix(dash + '  ')}", *inner[1:]]

    def _flow(self, value, indent: str = "") -> str:
        rows = list(value.values()) if isinstance(value, dict) else value
        if isinstance(rows, list):
            inside = ", ".join(f"{self._key(k)}: {self._anchor()}{self._flow(v, indent)}" for k, v in rows)
            return "{" + inside + (self._pick((",", ", x")) if self._is_odd(0.2) else "") + "}"
        if isinstance(rows, tuple):
            return (
                "["
                + ", ".join(self._anchor() + self._flow(v, indent) for v in rows)
                + ("," if self._is_odd(0.2) else "")
                + "]"
            )
        return str(rows).replace("{i}", indent)

    # JSON

    def _json(self) -> str:
        return self._json_value(self._object(0))

    def _json_value(self, value) -> str:
        rows = list(value.values()) if isinstance(value, dict) else value
        if isinstance(rows, list):
            return "{" + ",".join(f"{self._json_key(k)}:{self._json_value(v)}" for k, v in rows) + "}"
        if isinstance(rows, tuple):
            return "[" + ",".join(map(self._json_value, rows)) + "]"
        text = str(rows)
        if self._is_odd(0.1):
            return self._pick(
                ("1e400", "1.0", "-0", "123456789012345678901", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "NaN", "01", "1.", "true", "[" * 300 + "]" * 300, '"\ufeff"', "1E5", "2.5e-7", "'x'")
            )  # fmt: skip
        return text if text in ("true", "false", "null", "1", "[]", "{}") else json.dumps(text)

    def _json_key(self, key: str) -> str:
        written = json.dumps(key)
        if self._is(0.04):
            return f'"\\u{ord(key[0]):04x}{written[2:]}' if key[0].isalpha() else written
        return written

    # whole files

    def _long(self) -> str:
        document = self._document()
        return self._pick(
            (
                lambda: "---\n" * 20_001 + document,
                lambda: document + "---\n" * 20_001 + document,
                lambda: "".join(self._lines(self._object(0), "")) + "deep: " + "[" * 260 + "]" * 260 + "\n",
                lambda: document + "deep: " + "{a: " * 251 + "}" * 251 + "\n",
                lambda: document + "".join("  " * i + "d:\n" for i in range(255)),
                lambda: "# " + "x" * 70_000 + "\n" + document,
                lambda: document + "long: " + "x" * 70_000 + "\n",
                lambda: document + "? " + "k" * 1_100 + "\n: x\n",
                lambda: document + "k" * 1_100 + ": x\n",
                lambda: " " * 2_000 + "{" + '"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}',
                lambda: "\n" * 2_000 + document,
            )
        )()  # fmt: skip

    def _broken(self, text: str) -> str:
        roll = self._chance.random() / self._oddness
        places: list[Callable[[int], str]] = [
            lambda at: text + "\0",
            lambda at: text[:at] + "\0" + text[at:],
            lambda at: text + "---\na: \0\n",
            lambda at: "\ufeff" + text,
            lambda at: text[:at] + "\ufeff" + text[at:],
            lambda at: text + "\ufeff",
            lambda at: text.replace("\n", "\n\ufeff", 1),
            lambda at: text.replace("---\n", "---\n\ufeff"),
            lambda at: text[:at] + "\ud800" + text[at:],
            lambda at: (
                text[:at] + self._pick("\x01\x07\x1b\x7f\x80\x9f\u2028\ufffe\uffff\x0b\x0c") + text[at:]
            ),
            lambda at: text[:at] + self._pick("{}[]:,#&*!|>'\"%@`\t\n -?") + text[at:],
            lambda at: text[:at],
            lambda at: text.rstrip("\n"),
            lambda at: text + "}",
            lambda at: "\n\n  " + text,
            lambda at: text + "---\n" + text,
            lambda at: text + "...\n" + text,
            lambda at: text[:at] + text[at + 1 :],
        ]
        return self._pick(places)(self._chance.randrange(len(text) + 1)) if roll < 0.25 else text

    def _encoded(self, text: str) -> bytes:
        roll = self._chance.random() / self._oddness
        if roll > 0.08:
            return text.encode("utf-8", "surrogatepass")
        clean = text.encode("utf-8", "replace").decode()
        return self._pick(
            (
                lambda: clean.encode("utf-16"),
                lambda: b"\xfe\xff" + clean.encode("utf-16-be"),
                lambda: clean.encode("utf-16-le"),
                lambda: clean.encode("utf-32"),
                lambda: clean.encode("latin-1", "replace"),
                lambda: b"\xff\xfe" + clean.encode(),
                lambda: clean.encode().replace(b"a", b"\xc1\xa1"),
                lambda: clean.encode("utf-16") + b"\x00",
                lambda: b"\xef\xbb\xbf" + b"\xef\xbb\xbf" + clean.encode(),
                lambda: clean.encode("cp037", "replace"),
                lambda: clean.encode("utf-7"),
            )
        )()
