"""What comments and annotations of other scanners accept in a manifest.

Theirs: https://trivy.dev/latest/docs/scanner/misconfiguration/#ignoring-by-inline-comments,
https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html, https://docs.kubelinter.io/#/configuring-kubelinter,
https://github.com/zegl/kube-score#ignoring-a-test, https://polaris.docs.fairwinds.com/customization/exemptions/.
"""

import re
from collections.abc import Iterator
from typing import Any

from leadline.model.resource import Resource
from leadline.sources.waivers.other_scanners import Accepted

_COMMENT = re.compile(
    r"#[^#]{0,20}\b(?:trivy:ignore:|checkov:skip=)([A-Za-z0-9_-]{1,80})(?::([^\n]{1,300}))?"
)
_MOST_MARKS = 1_000


def marked_comments(text: str, first_line: int = 1) -> Iterator[tuple[int, str, str]]:
    """Line, id and reason of every comment of Trivy and Checkov."""
    for number, line in enumerate(text.splitlines(), first_line):
        match = _COMMENT.search(line[:2_000])
        if match is not None:
            yield number, match[1], (match[2] or "").strip()


def marked_annotations(resource: Resource) -> Iterator[Accepted]:
    """What annotations of the object accept on it; ``ids`` empty for every check."""
    metadata = resource.body.get("metadata")
    written = metadata.get("annotations") if isinstance(metadata, dict) else None
    annotations: dict[Any, Any] = written if isinstance(written, dict) else {}
    for key, value in list(annotations.items())[:_MOST_MARKS]:
        if not isinstance(key, str) or not isinstance(value, str):
            continue
        if re.fullmatch(r"checkov\.io/skip\d{0,6}", key):
            id, _, reason = value.partition("=")
            yield of_object(resource, (id.strip(),), reason.strip())
        elif key.startswith("ignore-check.kube-linter.io/"):
            yield of_object(resource, (key.partition("/")[2],), value.strip())
        elif key == "kube-score/ignore":
            yield of_object(resource, tuple(one.strip() for one in value.split(",") if one.strip()), "")
        elif key.startswith("polaris.fairwinds.com/") and key.endswith("-exempt") and value == "true":
            yield of_object(resource, (_camel(key.partition("/")[2].removesuffix("-exempt")),), "")
        elif key in ("polaris.fairwinds.com/exempt", "kube-linter.io/ignore-all"):
            yield of_object(resource, (), "" if value == "true" else value)


def of_object(resource: Resource, ids: tuple[str, ...], reason: str, line: int = 0) -> Accepted:
    return Accepted(
        ids=ids,
        kinds=(resource.kind,),
        names=(resource.name,) if resource.name else (),
        namespaces=(resource.namespace,) if resource.namespace else (),
        reason=reason,
        where=f"{resource.origin.file}:{line}" if line else f"{resource.origin.file} {resource.title}",
    )


def _camel(words: str) -> str:
    """``cpuLimitsMissing`` of ``cpu-limits-missing``, and of ``cpuLimitsMissing``."""
    first, *rest = words.split("-")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
