"""Whom the ``User`` of an image means, as runtimes work it out from its ``etc/passwd``
(https://github.com/moby/sys/tree/main/user, which runc, Docker and containerd share).
"""

from collections.abc import Iterator

from leadline.model.package import Account, Sbom
from leadline.packages.late_pattern import late_pattern

ACCOUNT_FILE = "etc/passwd"
LARGEST = 1 << 20
"""Bytes. Real ones have a few thousand."""
_HIGHEST_ID = (1 << 31) - 1
_NUMBER = late_pattern(r"[+-]?[0-9]+")
_WORD, _LONG = 1 << 32, 1 << 63


def accounts_in(content: bytes) -> tuple[Account, ...]:
    """The accounts of a ``passwd`` in order, each name once, since the first line with a name counts."""
    first: dict[str, Account] = {}
    for one in _accounts(content):
        first.setdefault(one.name, one)
    return tuple(first.values())


def root_reason(user: str, accounts: tuple[Account, ...] | None) -> str:
    """Why the ``user`` of an image is root, as ``user toor is number 0``; empty where it is not, or that is not known.

    ``accounts`` are those of the image; ``None`` where they are not known.
    """
    if not user:
        return "no user is set"
    name = user.partition(":")[0]
    number = _number(name)
    if number is not None:
        if number and number % _WORD == 0:
            # Before its releases of 2025 containerd cut numbers to 32 bits (CVE-2024-40635).
            return f"user {user}, which older runtimes cut down to 0"
        return "" if number else f"user {user}"
    if not name:
        return f"user {user}, without a name"
    account = _account(accounts, name)
    if name == "root" and account is None:
        return f"user {user}"
    if account is None or account.number:
        return ""
    return f"user {user}" if name == "root" else f"user {user}, which is number 0 in {ACCOUNT_FILE}"


def refusal(sbom: Sbom) -> str:
    """Why no runtime starts a container as the image's user; empty where one does, or that is not known."""
    user = sbom.config.user
    name = user.partition(":")[0]
    number = _number(name)
    if not name or root_reason(user, sbom.accounts):
        return ""
    if number is not None:
        return "" if 0 <= number <= _HIGHEST_ID else f"user {user} is not a valid user id"
    if sbom.accounts is None or _account(sbom.accounts, name):
        return ""
    return (
        f"user {user} is not in {ACCOUNT_FILE}"
        if sbom.accounts
        else f"user {user}, and there is no {ACCOUNT_FILE}"
    )


def is_open(sbom: Sbom) -> bool:
    """Whether the image names a user of whom it is not known who that is."""
    name = sbom.config.user.partition(":")[0]
    return bool(name) and name != "root" and _number(name) is None and sbom.accounts is None


def _accounts(content: bytes) -> Iterator[Account]:
    for line in content.decode("utf-8", "replace").split("\n"):
        parts = line.strip().split(":")
        if parts[0]:
            # Whatever is not a number counts as 0 there.
            number = _clamped(parts[2]) if len(parts) > 2 and _NUMBER.fullmatch(parts[2]) else 0
            yield Account(parts[0], number % _WORD)


def _account(accounts: tuple[Account, ...] | None, name: str) -> Account | None:
    return next((one for one in accounts or () if one.name == name), None)


def _number(name: str) -> int | None:
    """``name`` as Go's ``Atoi`` reads it; ``None`` where it stays a name."""
    if not _NUMBER.fullmatch(name):
        return None
    number = _clamped(name)
    return number if -_LONG < number < _LONG - 1 else None


def _clamped(digits: str) -> int:
    """Python refuses to read numbers of many thousand digits, Go holds them at the largest there is."""
    digits = digits[0] + digits[1:].lstrip("0") if digits[0] in "+-" else digits.lstrip("0")
    number = int(digits[:25] or "0") if digits not in ("+", "-") else 0
    return max(-_LONG, min(number, _LONG - 1))
