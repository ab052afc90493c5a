"""Whether a waiver is about a finding. One function for findings of controls and of images."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from leadline.kube.selector import Selector, compile_selector
from leadline.model.waiver import LabelRequirement, ObjectMatch, Waiver, WaiverMatch, Writing
from leadline.packages.late_pattern import late_pattern

LONGEST_PATTERN = 512
LONGEST_TEXT = 512
"""Of what is compared. Names of objects and images are shorter; a longer text matches no expression."""
MOST_REPEATS = 3
_TOKEN = late_pattern(
    r"\\(?P<escaped>.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?P<special>\?(?!:))?|(?P<close>\))|(?P<count>\{[0-9]*,?[0-9]*\})|(?P<star>[*+])|(?P<other>.)",
    re.DOTALL,
)
_SCALAR_REPEATS = 1_000

Test = Callable[[str], bool]


class PatternError(ValueError):
    """The pattern cannot be used; its text says why."""


@lru_cache(maxsize=8192)
def compiled(pattern: str, writing: Writing, *, ignore_case: bool = False) -> Test:
    """Whether a text matches ``pattern``.

    Raises: ``PatternError``.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern is longer than {LONGEST_PATTERN} characters")
    flags = re.IGNORECASE if ignore_case else 0
    if writing in ("glob", "exact"):
        if writing == "exact" or not set("*?[") & set(pattern):
            wanted = pattern.casefold() if ignore_case else pattern
            return lambda text: (text.casefold() if ignore_case else text) == wanted
        # What fnmatch makes of stars cannot go back behind the one before.
        match = re.compile(fnmatch.translate(pattern), flags).match
        return lambda text: match(text[:4096]) is not None
    _check(pattern)
    try:
        expression = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"{pattern[:80]} is not a valid regular expression") from error
    test = expression.fullmatch if writing == "regex" else expression.search
    return lambda text: len(text) <= LONGEST_TEXT and test(text) is not None


def _check(pattern: str) -> None:
    repeats = 0
    closed = False
    for token in _TOKEN.finditer(pattern.removeprefix("(?i)")):
        is_repeat = bool(token["star"] or token["count"])
        if token["special"] or (token["escaped"] or "").isdecimal():
            raise PatternError(f"{pattern[:80]} has a part that is not supported")
        if is_repeat and closed:
            raise PatternError(f"{pattern[:80]} repeats a group, which could take for ever")
        repeats += is_repeat
        if repeats > MOST_REPEATS:
            raise PatternError(f"{pattern[:80]} has more than {MOST_REPEATS} repetitions")
        if token["count"] and any(int(n) > _SCALAR_REPEATS for n in re.findall(r"[0-9]+", token[0])):
            raise PatternError(f"{pattern[:80]} repeats too often")
        closed = token["close"] is not None


class Subject(Struct, frozen=True, kw_only=True):
    """What a finding is about, as far as waivers ask. An empty field is one that the finding does not have."""

    kind: str = ""
    group: str | None = None
    """The API group, empty for the core one; ``None`` where that is not known."""
    name: str = ""
    namespace: str = ""
    id: str = ""
    labels: Mapping[str, str] = {}
    has_labels: bool = False
    """Whether all labels are known: otherwise nothing is said by one that is not among ``labels``."""
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
    frameworks: tuple[str, ...] | None = None
    """Names of those that list the control; ``None`` where that is not asked."""
    vulnerabilities: tuple[str, ...] = ()
    """The id and its aliases."""
    package: str = ""
    purl: str = ""
    severities: tuple[str, ...] = ()
    """More than one where a waiver for any of them counts."""
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
    if (match.vulnerabilities or match.packages or match.purls) and not problem.vulnerabilities:
        return False
    if match.until_fixed and problem.has_fix:
        return False
    return (
        _any(match.controls, problem.controls, match.writing, fold=True)
        and _any(match.titles, problem.controls, match.writing, fold=True)
        and _any(match.vulnerabilities, problem.vulnerabilities, "glob", fold=True)
        and _any(match.packages, (problem.package,), match.writing)
        and _any(match.severities, problem.severities, "glob", fold=True)
        and (not match.purls or any(is_package(purl, problem.purl) for purl in match.purls))
        and (problem.frameworks is None or any_framework(match, problem.frameworks))
    )


def any_framework(match: WaiverMatch, names: tuple[str, ...]) -> bool:
    """Whether it holds in one of the frameworks called ``names``; true where it is limited to none."""
    return _any(match.frameworks, names, match.writing, fold=True)


def is_on(match: WaiverMatch, subject: Subject) -> bool:
    """Whether it is this object or image that is meant."""
    return (
        _any(match.kinds, (subject.kind,), match.writing, fold=True)
        and _any(match.names, (subject.name,), match.writing)
        and _any(match.namespaces, (namespace_of(subject),), match.writing)
        and _any(match.ids, (subject.id,), match.writing)
        and _any(match.containers, subject.containers, match.writing)
        and _any(match.clusters, (subject.cluster,), match.writing)
        and _any(match.images, subject.images, match.writing)
        and (not match.paths or any(_is_below(match.paths, path, match.writing) for path in subject.paths))
        and _has_labels(match, subject)
        and (not match.objects or any(_is_object(one, subject) for one in match.objects))
        and (
            not match.object_labels
            or (subject.has_labels and _selecting(match.object_labels)(subject.labels))
        )
        # Which namespaces these are has to be found out first: ``resolved``.
        and match.namespace_labels is None
        and all(
            compiled(value, "part")(subject.image_parts.get(part, ""))
            for part, value in match.image_parts.items()
            if value
        )
    )


def namespace_of(subject: Subject) -> str:
    """The namespace that it is in, or is."""
    return subject.name if subject.kind == "Namespace" and not subject.group else subject.namespace


def resolved(match: WaiverMatch, namespaces: Mapping[str, Mapping[str, str]]) -> WaiverMatch:
    """``match`` with the names of the namespaces that it selects, out of all there are with their labels."""
    if match.namespace_labels is None:
        return match
    selects = _selecting(match.namespace_labels)
    names = (name for name, labels in namespaces.items() if selects(labels))
    found = tuple(name for name in names if not set("*?[") & set(name))
    fields = {name: getattr(match, name) for name in WaiverMatch.__struct_fields__}
    # No namespace has the labels, so none is meant; the empty list would mean every one.
    return WaiverMatch(**(fields | {"namespaces": found or ("",), "namespace_labels": None}))


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
        or match.objects
        or match.object_labels
        or match.namespace_labels is not None
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
            for value in [*values, *match.titles, *match.frameworks]:
                compiled(value, match.writing)
            for one in match.objects:
                for value in (one.kind, one.name, one.group or ""):
                    compiled(value, "glob")
            for value in match.image_parts.values():
                compiled(value, "part")
            for value in (*match.vulnerabilities, *match.severities):
                compiled(value, "glob")
        except PatternError as error:
            return str(error)
        if why := next(filter(None, map(why_no_purl, match.purls)), ""):
            return why
    return ""


@lru_cache(maxsize=4096)
def _selecting(requirements: tuple[LabelRequirement, ...]) -> Selector:
    rows = [{"key": one.key, "operator": one.operator, "values": list(one.values)} for one in requirements]
    return compile_selector({"matchExpressions": rows})


def _is_object(one: ObjectMatch, subject: Subject) -> bool:
    if not subject.kind or not compiled(one.kind, "glob", ignore_case=True)(subject.kind):
        return False
    if one.name and not compiled(one.name, "glob")(subject.name):
        return False
    if one.group is None:
        return True
    return subject.group is not None and compiled(one.group, "glob", ignore_case=True)(subject.group)


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
        tuple(one.kind if _says_nothing((one.name,)) else one.name for one in match.objects),
        tuple(one.key for one in match.object_labels),
        tuple(one.key for one in match.namespace_labels or ()),
        match.purls,
    )


def _says_something(values: tuple[str, ...]) -> bool:
    return bool(values) and not _says_nothing(values)


def _says_nothing(values: tuple[str, ...]) -> bool:
    return any(not value.strip("*.^$+?") for value in values)


def _any(wanted: tuple[str, ...], given: tuple[str, ...], writing: Writing, *, fold: bool = False) -> bool:
    if not wanted:
        return True
    exact, tests = _tests(wanted, writing, fold=fold)
    for text in given:
        if text and ((text.casefold() if fold else text) in exact or any(test(text) for test in tests)):
            return True
    return False


@lru_cache(maxsize=8192)
def _tests(wanted: tuple[str, ...], writing: Writing, *, fold: bool) -> tuple[frozenset[str], list[Test]]:
    """Texts that are meant as they are, and tests for the others."""
    is_plain = [writing == "exact" or (writing == "glob" and not set("*?[") & set(one)) for one in wanted]
    for one in wanted:
        compiled(one, writing, ignore_case=fold)
    # Of controls an expression may also represent the text itself.
    exact = {
        one.casefold() if fold else one for one, plain in zip(wanted, is_plain, strict=True) if plain or fold
    }
    patterns = [one for one, plain in zip(wanted, is_plain, strict=True) if not plain]
    return frozenset(exact), [compiled(one, writing, ignore_case=fold) for one in patterns]


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


LONGEST = 4096


def is_package(wanted: str, purl: str) -> bool:
    """``wanted`` without a version means every version, without qualifiers any; ``purl`` is that of the package."""
    if not purl:
        return False
    asked, found = _parts(wanted), _parts(purl)
    if asked is None or found is None:
        return False
    *names, version, qualifiers, subpath = asked
    *found_names, found_version, found_qualifiers, found_subpath = found
    return bool(
        names == found_names
        and version in ("", found_version)
        and qualifiers.items() <= found_qualifiers.items()
        and subpath in ("", found_subpath)
    )


def why_no_purl(text: str) -> str:
    """Why ``text`` names no package; empty where it does."""
    return "" if _parts(text) is not None else f"subcomponents: {text[:80]} is not a package URL"


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, str, str, str, dict[str, str], str] | None:
    from packageurl import PackageURL  # seldom is a package named that way

    try:
        url = PackageURL.from_string(text) if len(text) <= LONGEST else None
    except ValueError:
        return None
    if url is None:
        return None
    qualifiers: Any = url.qualifiers or {}
    return (url.type, url.namespace or "", url.name, url.version or "", dict(qualifiers), url.subpath or "")
