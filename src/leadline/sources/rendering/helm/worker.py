"""The child process in which Helm's engine renders charts: one JSON request a line in, one JSON answer a line out.

It is started by path and imports nothing of Leadline, so that its start is that of the engine alone. The
engine is Go code loaded into the process: a crash, an endless loop or a flood of output ends this process only.

A request is an object with the fields of ``leadline.sources.rendering.helm.engine.ChartRequest``, and ``again``: whether the last
one was about the same files. An answer has either ``error`` and ``error_kind``, or ``name``, ``type``, ``templates`` (path to
rendered text, the path beginning with the chart's name), ``crds`` (path below the chart to text) or ``has_crds_as_before``,
``declared`` and ``loaded`` (names of dependencies), and ``engine``, its version.

Source: the engine's C interface, the package helm-python-sdk
"""

import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_VALUES_BYTES = 8 << 20
_CHART_BYTES = 100 << 20
_CRDS_LENGTH = 32 << 20
"""Of all charts, kept to see whether they are what they were."""
# Of a path as --set writes it: https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
_SPECIAL = re.compile(r"[\\.,=\[\]{}]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_STEP = re.compile(r"\[\d+\]|(?:\\.|[^\\.\[])+", re.DOTALL)


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    held = _Held()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line), held)) + "\n")
        answers.flush()


class _Held:
    """What is known of charts that were rendered before."""

    def __init__(self) -> None:
        self.archive: tuple[Any, bytes] = (None, b"")
        """The last chart that was put together here: its folder with its parts, and what it holds."""
        self._crds: dict[str, str] = {}

    def has_crds(self, chart: str, crds: str) -> bool:
        """Whether the last answer about the chart had these; from now on they are its last."""
        if self._crds.get(chart) == crds:
            return True
        if sum(map(len, self._crds.values())) > _CRDS_LENGTH:
            self._crds.clear()
        self._crds[chart] = crds
        return False


def _answer(request: dict[str, Any], held: _Held) -> dict[str, Any]:
    import helm_python

    answer: dict[str, Any] = {"engine": helm_python.helm_sdk_version()}
    try:
        _render(request, answer, held)
    except helm_python.HelmError as error:
        answer |= {"error": str(error), "error_kind": type(error).__name__}
    except (OSError, ValueError) as error:
        answer |= {"error": str(error), "error_kind": "Values"}
    return answer


def _render(request: dict[str, Any], answer: dict[str, Any], held: _Held) -> None:
    from helm_python import _native

    with _load(request, held) as chart:
        metadata = chart.metadata
        answer |= {
            "name": metadata.get("name", ""),
            "type": metadata.get("type") or "application",
            "declared": [row.get("name", "") for row in metadata.get("dependencies") or ()],
            "loaded": [row.get("name", "") for row in chart.dependencies],
        }
        if answer["type"] == "library":
            return
        options: dict[str, Any] = {"name": request["name"], "namespace": request["namespace"]}
        options |= {
            key: request[key] for key in ("kube_version", "api_versions", "is_upgrade") if request.get(key)
        }
        # The wrapper's own method has no parameter for the two versions; the engine below it has.
        rendered = _native.call_string(
            "helm_render", chart._raw(), json.dumps(_values(request)), json.dumps(options)
        )
        answer["templates"] = json.loads(rendered)
        answer["silent"] = _silent(metadata, chart.dependencies, answer)
        # They may be megabytes, and are the same in most renderings of a chart.
        crds = _native.call_string("helm_chart_crds", chart._raw())
        answer["has_crds_as_before"] = held.has_crds(request["chart"], crds)
        if not answer["has_crds_as_before"]:
            answer["crds"] = [[crd["filename"], crd["data"]] for crd in json.loads(crds)]


def _silent(metadata: dict[str, Any], loaded: list[dict[str, Any]], answer: dict[str, Any]) -> list[str]:
    """Names of the subcharts that nothing was rendered of: a condition or a tag turns them off."""
    libraries = {row.get("name") for row in loaded if row.get("type") == "library"}
    declared = metadata.get("dependencies") or []
    labels = {row.get("alias") or row["name"] for row in declared if row["name"] in answer["loaded"]}
    labels |= set(answer["loaded"]) - {row["name"] for row in declared}
    prefix = f"{answer['name']}/charts/"
    rendered = {
        path[len(prefix) :].partition("/")[0] for path in answer["templates"] if path.startswith(prefix)
    }
    return sorted(labels - libraries - rendered)


def _load(request: dict[str, Any], held: _Held) -> Any:
    import helm_python

    # A rendering changes the chart: what its values turn off is gone then, so that each needs one that is loaded anew.
    if not request["parts"]:
        return helm_python.Chart.load(request["chart"])
    made_of = request["chart"], request["parts"]
    if not request["again"] or held.archive[0] != made_of:
        held.archive = (None, b"")
        held.archive = made_of, _archive(request)
    return helm_python.Chart.load_archive(held.archive[1])


def _archive(request: dict[str, Any]) -> bytes:
    """The chart with the parts that it lacks."""
    content = io.BytesIO()
    size = 0
    # It is unpacked at once, in this process: to compress it would only cost time.
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=0) as archive:
        for place, path in (("", request["chart"]), *request["parts"]):
            left_out = _left_out(path)
            for relative, real in _files_below(path):
                is_git_s = any(step.startswith(".git") for step in (*Path(place).parts, *relative.parts))
                if is_git_s or left_out(relative):
                    continue
                # Looked at again where it is opened: what is not a link now may have been one then.
                if not Path(real).is_relative_to(request["boundary"]):
                    raise ValueError(f"{relative} leads out of the scanned folder")
                with open(real, "rb") as file:  # noqa: PTH123
                    text = file.read(_CHART_BYTES + 1 - size)
                size += len(text)
                if size > _CHART_BYTES:
                    raise ValueError(f"more than {_CHART_BYTES >> 20} MiB of charts")
                member = tarfile.TarInfo(str(Path("chart", place, relative)))
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


def _files_below(top: str) -> list[tuple[Path, str]]:
    """The files below a folder, relative to it, in order; each with its path free of links."""
    found = []
    for folder, _, names in os.walk(top):
        inside, real_folder = Path(folder).relative_to(top), os.path.realpath(folder)
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118
            is_link = os.path.islink(path)  # noqa: PTH114
            if os.path.isfile(path):  # noqa: PTH113
                real = os.path.realpath(path) if is_link else os.path.join(real_folder, name)  # noqa: PTH118
                found.append((inside / name, real))
    return sorted(found)


def _left_out(chart: str) -> Callable[[Path], bool]:
    """Which files below ``chart`` its ``.helmignore`` leaves out; the engine heeds that in folders, not in archives."""
    import helm_python

    with helm_python.Chart.load(chart) as loaded:
        kept = {row["name"] for row in (*loaded.templates, *loaded.files)}

    def is_left_out(file: Path) -> bool:
        # What is at the top describes the chart, and charts within it are not files of its own.
        return len(file.parts) > 1 and file.parts[0] != "charts" and file.as_posix() not in kept

    return is_left_out


def _values(request: dict[str, Any]) -> dict[str, Any]:
    """Files in order, then ``--set``, then ``--set-string``: the later wins, key by key, as in Helm."""
    import helm_python

    values: dict[str, Any] = {}
    for path in request["values"]:
        with Path(path).open("rb") as file:
            text = file.read(_VALUES_BYTES + 1)
        if len(text) > _VALUES_BYTES:
            raise ValueError(f"{path}: more than {_VALUES_BYTES >> 20} MiB of values")
        if b"\0" in text:
            # The engine takes C strings: it would not see what follows.
            raise ValueError(f"failed to parse {path}: control characters are not allowed")
        try:
            _merge(values, helm_python.values_from_yaml(text.decode("utf-8")))
        except (helm_python.HelmError, UnicodeDecodeError) as error:
            raise ValueError(f"failed to parse {path}: {error}") from error
    for flag, parse in (
        ("set", helm_python.parse_set_string),
        ("set_string", helm_python.parse_set_string_values),
    ):
        for entry in request[flag]:
            try:
                _Setting(entry, parse).write(values)
            except helm_python.HelmError as error:
                raise ValueError(f"failed parsing --{flag.replace('_', '-')} data: {error}") from error
    return values


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        else:
            below[key] = value


class _Setting:
    """One ``--set``. It writes into the lists that are there: ``a[1].b=x`` leaves the rest of ``a`` alone.

    The parser has no parameter for the values below, and ``a={x}`` and ``a[0]=x`` read the same. They differ in
    what becomes of a longer list: the first drops it, so the parser is asked with one more item put in before.
    """

    def __init__(self, expression: str, parse: Callable[[str], dict[str, Any]]) -> None:
        self._expression = expression
        self._parse = parse

    def write(self, values: dict[str, Any]) -> None:
        self._into(values, self._parse(self._expression), "")

    def _into(self, below: dict[str, Any], above: dict[str, Any], path: str) -> None:
        for key, value in above.items():
            place = f"{path}.{_escaped(key)}" if path else _escaped(key)
            below[key] = self._written(below.get(key), value, place)

    def _written(self, old: Any, new: Any, path: str) -> Any:
        if isinstance(old, dict) and isinstance(new, dict):
            self._into(old, new, path)
            return old
        if isinstance(old, list) and isinstance(new, list) and self._is_by_index(path, new):
            # The places that it leaves out read as null.
            items = [
                below if above is None else self._written(below, above, f"{path}[{index}]")
                for index, (below, above) in enumerate(zip(old, new, strict=False))
            ]
            return items + new[len(old) :] + old[len(new) :]
        return new

    def _is_by_index(self, path: str, items: list[Any]) -> bool:
        longer: Any = self._parse(f"{path}[{len(items)}]=,{self._expression}")
        for step in _STEP.findall(path):
            longer = longer[int(step[1:-1])] if step.startswith("[") else longer[_ESCAPED.sub(r"\1", step)]
        return len(longer) > len(items)


def _escaped(key: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", key)


if __name__ == "__main__":
    main()
