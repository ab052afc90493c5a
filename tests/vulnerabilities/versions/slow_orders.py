"""Comparators written after the specifications, step by step: slow, and apart from the keys that they check."""

import re


def compare_deb(one: str, other: str) -> int:
    """https://www.debian.org/doc/debian-policy/ch-controlfields.html#version"""
    first, second = _evr(one), _evr(other)
    return (
        _sign(int(first[0] or 0), int(second[0] or 0))
        or _deb_part(first[1], second[1])
        or _deb_part(first[2] or "0", second[2] or "0")
    )


def _evr(version: str) -> tuple[str, str, str]:
    epoch, _, rest = version.rpartition(":")
    upstream, hyphen, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if hyphen else (epoch, rest, "")


def _sign(one: object, other: object) -> int:
    return (one > other) - (one < other)  # type: ignore[operator]


def _deb_order(character: str) -> int:
    if character == "~":
        return -1
    if not character or character.isdigit():
        return 0
    return ord(character) if character.isalpha() else ord(character) + 256


def _deb_part(one: str, other: str) -> int:
    while one or other:
        word, its = re.match(r"\D*", one)[0], re.match(r"\D*", other)[0]  # type: ignore[index]
        for place in range(max(len(word), len(its))):
            found = _sign(_deb_order(word[place : place + 1]), _deb_order(its[place : place + 1]))
            if found:
                return found
        one, other = one[len(word) :], other[len(its) :]
        digits, theirs = re.match(r"\d*", one)[0], re.match(r"\d*", other)[0]  # type: ignore[index]
        if found := _sign(int(digits or 0), int(theirs or 0)):
            return found
        one, other = one[len(digits) :], other[len(theirs) :]
    return 0


def compare_rpm(one: str, other: str) -> int:
    """https://rpm-software-management.github.io/rpm/man/rpm-version.7"""
    first, second = _evr(one), _evr(other)
    return (
        _sign(int(first[0] or 0), int(second[0] or 0))
        or _rpm_part(first[1], second[1])
        or _rpm_part(first[2], second[2])
    )


def _rpm_part(one: str, other: str) -> int:
    while True:
        one, other = re.sub(r"^[^a-zA-Z0-9~^]+", "", one), re.sub(r"^[^a-zA-Z0-9~^]+", "", other)
        if "~" in (one[:1], other[:1]):
            if one[:1] != other[:1]:
                return -1 if one[:1] == "~" else 1
            one, other = one[1:], other[1:]
            continue
        if "^" in (one[:1], other[:1]):
            if not one or not other:
                return 1 if one else -1
            if one[0] != other[0]:
                return -1 if one[0] == "^" else 1
            one, other = one[1:], other[1:]
            continue
        if not one or not other:
            return _sign(bool(one), bool(other))
        kind = r"[0-9]+" if one[0].isdigit() else r"[a-zA-Z]+"
        found, its = re.match(kind, one), re.match(kind, other)
        if not its or not found:
            return 1 if one[0].isdigit() else -1
        a, b = found[0], its[0]
        result = _sign(int(a), int(b)) if a.isdigit() else _sign(a, b)
        if result:
            return result
        one, other = one[len(a) :], other[len(b) :]


def compare_semver(one: str, other: str) -> int:
    """https://semver.org/#spec-item-11"""
    (numbers, before), (theirs, its) = _semver(one), _semver(other)
    if numbers != theirs or not before or not its:
        return _sign(numbers, theirs) or _sign(not before, not its)
    for a, b in zip(before.split("."), its.split("."), strict=False):
        if a == b:
            continue
        if a.isdigit() and b.isdigit():
            return _sign(int(a), int(b))
        if a.isdigit() or b.isdigit():
            return -1 if a.isdigit() else 1
        return _sign(a, b)
    return _sign(before.count(".") + 1, its.count(".") + 1)


def _semver(version: str) -> tuple[list[int], str]:
    numbers, _, before = version.partition("+")[0].partition("-")
    return [int(digits) for digits in numbers.split(".")], before


def compare_gem(one: str, other: str) -> int:
    """https://docs.ruby-lang.org/en/master/Gem/Version.html"""
    first, second = _gem(one), _gem(other)
    for place in range(max(len(first), len(second))):
        a = first[place] if place < len(first) else 0
        b = second[place] if place < len(second) else 0
        if a == b:
            continue
        if isinstance(a, str) != isinstance(b, str):
            return -1 if isinstance(a, str) else 1
        return _sign(a, b)
    return 0


def _gem(version: str) -> list[int | str]:
    parts = [int(part) if part.isdigit() else part for part in re.findall(r"[0-9]+|[a-z]+", version)]
    words = [place for place, part in enumerate(parts) if isinstance(part, str)]
    cut = words[0] if words else len(parts)
    numbers, rest = parts[:cut], parts[cut:]
    for half in (numbers, rest):
        while half and half[-1] == 0:
            half.pop()
    return numbers + rest
