"""kubectl as the judge of how Kubernetes reads a manifest."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

PROBE = "leadline-probe"
_FIRST_FLOAT = 1 << 63


def find_kubectl() -> str | None:
    beside = Path(sysconfig.get_path("scripts")) / "kubectl"
    return str(beside) if beside.is_file() else shutil.which("kubectl")


def read_with_kubectl(*paths: Path) -> tuple[list[dict[str, Any]], str]:
    """Every object that kubectl reads from ``paths``, without the label that it was made to add; and its errors."""
    kubectl = find_kubectl()
    assert kubectl
    files = [argument for path in paths for argument in ("-f", str(path))]
    options = [
        "--local",
        "--overwrite",
        f"{PROBE}=1",
        "-o",
        "json",
        "--show-managed-fields",
        "--dry-run=client",
    ]
    done = subprocess.run(
        [kubectl, "label", *options, *files], capture_output=True, text=True, check=False, timeout=60
    )
    objects, at, text = [], 0, done.stdout
    decoder = json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        body, at = decoder.raw_decode(text, at)
        is_list = body.get("kind") == "List" and isinstance(body.get("items"), list)
        objects += body["items"] if is_list else [body]
    return [without_probe(body) for body in objects], done.stderr


def without_probe(body: dict[str, Any]) -> dict[str, Any]:
    """``body`` without the label, and without labels or metadata that would be empty then."""
    metadata = dict(body.get("metadata") or {})
    # To kubectl, which writes labels anew, one that is null is empty.
    labels = {k: v or "" for k, v in (metadata.pop("labels", None) or {}).items() if k != PROBE}
    if labels:
        metadata["labels"] = labels
    rest = {k: v for k, v in body.items() if k != "metadata"}
    return {**rest, "metadata": metadata} if metadata else rest


def as_json(body: Any) -> str:
    """Comparable text; 1.0 and 1 are the same to JSON, ``true`` and 1 are not."""
    return json.dumps(_plain(body), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _FIRST_FLOAT:
        return int(value)
    return float(value) if abs(value) >= _FIRST_FLOAT else value
