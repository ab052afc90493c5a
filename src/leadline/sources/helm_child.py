"""The child process in which Helm's engine renders charts: one JSON request a line in, one JSON answer a line out.

It is started by path and imports nothing of Leadline, so that its start is that of the engine alone. The
engine is Go code loaded into the process: a crash, an endless loop or a flood of output ends this process only.

A request is an object with the fields of ``leadline.sources.helm_engine.Request``. An answer has either
``error`` and ``error_kind``, or ``name``, ``type``, ``templates`` (path to rendered text, the path beginning with
the chart's name), ``crds`` (path below the chart to text), ``declared`` and ``loaded`` (names of dependencies).

Source: the engine's C interface, the package helm-python-sdk
"""

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

_VALUES_BYTES = 8 << 20
_CHART_BYTES = 100 << 20


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    import helm_python

    answer: dict[str, Any] = {}
    try:
        _render(request, answer)
    except helm_python.HelmError as error:
        answer |= {"error": str(error), "error_kind": type(error).__name__}
    except (OSError, ValueError) as error:
        answer |= {"error": str(error), "error_kind": "Values"}
    return answer


def _render(request: dict[str, Any], answer: dict[str, Any]) -> None:
    from helm_python import _native

    with _load(request) as chart:
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
        options |= {key: request[key] for key in ("kube_version", "api_versions") if request.get(key)}
        # The wrapper's own method has no parameter for the two versions; the engine below it has.
        rendered = _native.call_string(
            "helm_render", chart._raw(), json.dumps(_values(request)), json.dumps(options)
        )
        answer["templates"] = json.loads(rendered)
        answer["silent"] = _silent(metadata, chart.dependencies, answer)
        answer["crds"] = [[crd["filename"], crd["data"]] for crd in chart.crds]


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


def _load(request: dict[str, Any]) -> Any:
    import helm_python

    if not request["parts"]:
        return helm_python.Chart.load(request["chart"])
    content = io.BytesIO()
    size = 0
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        for place, path in (("", request["chart"]), *request["parts"]):
            for file in sorted(Path(path).rglob("*")):
                inside = Path("chart", place, file.relative_to(path))
                if file.is_file() and not any(step.startswith(".git") for step in inside.parts):
                    size += file.stat().st_size
                    if size > _CHART_BYTES:
                        raise ValueError(f"more than {_CHART_BYTES >> 20} MiB of charts")
                    archive.add(file.resolve(), str(inside), recursive=False)
    return helm_python.Chart.load_archive(content.getvalue())


def _values(request: dict[str, Any]) -> dict[str, Any]:
    """Files in order, then ``--set``, then ``--set-string``: the later wins, key by key, as in Helm."""
    import helm_python

    values: dict[str, Any] = {}
    for path in request["values"]:
        with Path(path).open("rb") as file:
            text = file.read(_VALUES_BYTES + 1)
        if len(text) > _VALUES_BYTES:
            raise ValueError(f"{path}: more than {_VALUES_BYTES >> 20} MiB of values")
        _merge(values, helm_python.values_from_yaml(text.decode("utf-8")))
    if request["set"]:
        _merge(values, helm_python.parse_set_string(",".join(request["set"])))
    if request["set_string"]:
        _merge(values, helm_python.parse_set_string_values(",".join(request["set_string"])))
    return values


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            below[key] = _merged_lists(old, value)
        else:
            below[key] = value


def _merged_lists(below: list[Any], above: list[Any]) -> list[Any]:
    """``--set a[1]=x`` reads as ``[null, x]``: the places that it leaves out stay as they are."""
    if None not in above:
        return above
    filled = [old if new is None else new for new, old in zip(above, below, strict=False)]
    return filled + above[len(below) :] + below[len(above) :]


if __name__ == "__main__":
    main()
