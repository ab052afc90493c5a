"""Checksums of a file in the algorithms that the lists of distributions use."""

from hashlib import md5, sha1, sha256

_PLACES = (
    ("md5", 0, 16),
    ("sha1", 16, 36),
    ("sha256", 36, 68),
)
_DISTRIBUTED = ("usr/", "bin/", "sbin/", "lib/", "lib64/", "opt/", "etc/", "var/", "boot/", "srv/")
_OF_OTHERS = ("usr/local/",)
_OF_APPLICATIONS = ("srv/", "usr/app/", "usr/src/")
"""Of these, where applications lie and nothing of a distribution that describes packages."""
_SELDOM = (*_OF_APPLICATIONS, "opt/", "etc/", "var/")
"""Where hardly ever a large file of a distribution lies."""
_SMALL_BYTES = 1 << 16
"""Summed sooner than it is asked whether that is needed."""


def may_be_listed(path: str) -> bool:
    """Whether packages of distributions put files there. Elsewhere no list is believed, and no sum is needed."""
    return path.startswith(_DISTRIBUTED) and not path.startswith(_OF_OTHERS)


def may_be_summed_late(path: str) -> bool:
    """Whether files at such a place, large ones at least, are summed only where a package lists them (``late_sums``)."""
    return path.startswith(_SELDOM)


def is_summed_at_once(path: str, size_bytes: int) -> bool:
    """Whether the sums of a file are made as its layer goes by; else only where a package lists it (``late_sums``)."""
    is_late = path.startswith(_SELDOM if size_bytes > _SMALL_BYTES else _OF_APPLICATIONS)
    return not is_late and may_be_listed(path)


class ContentSums:
    """Of what is added, piece by piece."""

    def __init__(self, *, is_for_dpkg: bool = False) -> None:
        """``is_for_dpkg``: the lists of dpkg alone are asked, which have MD5."""
        first = md5(usedforsecurity=False)
        self._all = (first,) if is_for_dpkg else (first, sha1(usedforsecurity=False), sha256())

    def add(self, piece: bytes) -> None:
        for one in self._all:
            one.update(piece)

    def digest(self) -> bytes:
        """68 bytes: MD5, SHA-1 and SHA-256, one behind the other; for dpkg the first 16 of them."""
        return b"".join(one.digest() for one in self._all)


def sums_of(content: bytes, *, is_for_dpkg: bool = False) -> bytes:
    """As ``ContentSums.digest``."""
    made = ContentSums(is_for_dpkg=is_for_dpkg)
    made.add(content)
    return made.digest()


def are_for_dpkg(sums: bytes) -> bool:
    """Whether ``sums`` are those that dpkg's lists alone can confirm."""
    return len(sums) == _PLACES[0][2]


def has_sum(sums: bytes, algorithm: str, digest: bytes) -> bool:
    """Whether ``digest`` is the one by ``algorithm`` among ``sums``; never for another algorithm, and where there are none."""
    return bool(digest) and any(
        name == algorithm and sums[start:end] == digest for name, start, end in _PLACES
    )
