"""Whether a manifest holds comments or annotations by which other scanners pass over findings."""

MARKS = {
    b"trivy:ignore:": "Trivy",
    b"checkov:skip=": "Checkov",
    b"checkov.io/skip": "Checkov",
    b"ignore-check.kube-linter.io/": "kube-linter",
    b"kube-score/ignore": "kube-score",
    b"polaris.fairwinds.com/": "Polaris",
}
"""What a text with such a mark holds, and whose it is."""


def scanners_of(content: bytes) -> tuple[str, ...]:
    """The scanners whose ignores ``content`` holds."""
    if b"ignore" not in content and b"skip" not in content and b"polaris" not in content:
        return ()
    return tuple(dict.fromkeys(scanner for mark, scanner in MARKS.items() if mark in content))
