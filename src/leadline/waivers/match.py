"""Whether a waiver is about a finding. One function for findings of controls and of images."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from leadline.model.waiver import Waiver, WaiverMatch, Writing
from leadline.waivers.patterns import PatternError, compiled


class Subject(Struct, frozen=True, kw_only=True):
    """What a finding is about, as far as waivers ask. An empty field is one that the finding does not have."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    id: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    containers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Every way in which its file is named."""
    images: tuple[str, ...] = ()
    """Every way in which the images are written."""
    image_parts: Mapping[str, str] = {}
    cluster: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """What was found."""

    controls: tuple[str, ...] = ()
    """Id and title."""
    vulnerabilities: tuple[str, ...] = ()
    """The id and its aliases."""
    package: str = ""
    severity: str = ""
    has_fix: bool = False


def covers(match: WaiverMatch, problem: Problem, subject: Subject) -> bool:
    return is_about(match, problem) and is_on(match, subject)


def is_about(match: WaiverMatch, problem: Problem) -> bool:
    """Whether it is this problem that is meant."""
    if match.sort == "controls" and problem.vulnerabilities:
        return False
    if match.sort == "vulnerabilities" and not problem.vulnerabilities:
        return False
    if bool(match.controls) and not problem.controls:
        return False
    if (match.vulnerabilities or match.packages) and not problem.vulnerabilities:
        return False
    return (
        _any(match.controls, problem.controls, match.writing, fold=True)
        and _any(match.vulnerabilities, problem.vulnerabilities, "glob", fold=True)
        and _any(match.packages, (problem.package,), match.writing)
        and _any(match.severities, (problem.severity,), "glob", fold=True)
    )


def is_on(match: WaiverMatch, subject: Subject) -> bool:
    """Whether it is this object or image that is meant."""
    namespaces = (subject.name if subject.kind == "Namespace" else subject.namespace,)
    return (
        _any(match.kinds, (subject.kind,), match.writing, fold=True)
        and _any(match.names, (subject.name,), match.writing)
        and _any(match.namespaces, namespaces, match.writing)
        and _any(match.ids, (subject.id,), match.writing)
        and _any(match.containers, subject.containers, match.writing)
        and _any(match.clusters, (subject.cluster,), match.writing)
        and _any(match.images, subject.images, match.writing)
        and (not match.paths or any(_is_below(match.paths, path, match.writing) for path in subject.paths))
        and _has_labels(match, subject)
        and all(
            compiled(value, "part")(subject.image_parts.get(part, ""))
            for part, value in match.image_parts.items()
            if value
        )
    )


def needs_objects(match: WaiverMatch) -> bool:
    """Whether it is limited to some objects, so that of an image all that runs it has to be among them."""
    return bool(
        match.kinds
        or match.names
        or match.namespaces
        or match.labels
        or match.ids
        or match.containers
        or match.paths
    )


def is_broad(waiver: Waiver) -> bool:
    """Whether it leaves open what is accepted, or on what."""
    return any(
        not (match.controls or match.vulnerabilities)
        or _says_nothing(match.controls or match.vulnerabilities)
        or not any(_says_something(values) for values in _objects(match))
        for match in waiver.matches
    )


def problems_of(waiver: Waiver) -> str:
    """Why it cannot be used: the first pattern that is refused; empty where all can be."""
    for match in waiver.matches:
        values = [*match.controls, *(value for group in _objects(match) for value in group), *match.packages]
        try:
            for value in values:
                compiled(value, match.writing)
            for value in match.image_parts.values():
                compiled(value, "part")
        except PatternError as error:
            return str(error)
    return ""


def _objects(match: WaiverMatch) -> Iterable[tuple[str, ...]]:
    return (
        match.names,
        match.namespaces,
        match.kinds,
        match.ids,
        match.containers,
        match.paths,
        match.images,
        tuple(match.labels.values()),
        tuple(match.image_parts.values()),
        match.packages,
    )


def _says_something(values: tuple[str, ...]) -> bool:
    return bool(values) and not _says_nothing(values)


def _says_nothing(values: tuple[str, ...]) -> bool:
    return any(not value.strip("*.^$+?") for value in values)


def _any(wanted: tuple[str, ...], given: tuple[str, ...], writing: Writing, *, fold: bool = False) -> bool:
    if not wanted:
        return True
    tests = [compiled(pattern, writing, ignore_case=fold) for pattern in wanted]
    return any(test(text) for text in given if text for test in tests) or (
        # Of controls an expression may also stand for the text itself.
        fold and any(pattern.casefold() == text.casefold() for pattern in wanted for text in given)
    )


def _is_below(wanted: tuple[str, ...], path: str, writing: Writing) -> bool:
    folders = [pattern for pattern in wanted if writing == "glob" and pattern.endswith("/")]
    if any(path.startswith(pattern.removeprefix("./")) or f"/{pattern}" in f"/{path}" for pattern in folders):
        return True
    rest = tuple(pattern.removeprefix("./") for pattern in wanted if pattern not in folders)
    return bool(rest) and _any(rest, (path,), writing)


def _has_labels(match: WaiverMatch, subject: Subject) -> bool:
    """All of them among the labels, or all among the annotations."""
    if not match.labels:
        return True
    return any(
        all(
            key in held and compiled(pattern, match.writing)(held[key])
            for key, pattern in match.labels.items()
        )
        for held in (subject.labels, subject.annotations)
    )
