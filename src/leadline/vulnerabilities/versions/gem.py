"""RubyGems (https://docs.ruby-lang.org/en/master/Gem/Version.html)."""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_SEGMENT = late_pattern(r"[0-9]+|[a-z]+", re.IGNORECASE | re.ASCII)
_PLATFORM = late_pattern(
    r"-(?:java|jruby|ruby|mswin\w*|mingw\w*|dalvik"
    r"|(?:universal|x86|x64|x86_64|i\d86|arm|arm64|aarch64|armv\w+|powerpc\w*|ppc\w*|s390x?|riscv64|sparc\w*)-[a-z]\w*)(?:-\w+)*$",
    re.IGNORECASE | re.ASCII,
)
"""What a gem was built for is behind its version where it holds machine code; no version ends so by itself."""
_WORD, _ZERO_BEFORE, _END, _NUMBER = b"\1", b"\2", b"\3", b"\4"


@ordering("gem")
def gem(version: str) -> bytes:
    version = _PLATFORM.sub("", version)
    segments = _SEGMENT.findall(version.replace("-", ".pre."))
    if not _SEGMENT.search(version):
        raise Unorderable(version)
    first_word = next(
        (place for place, segment in enumerate(segments) if not segment.isdigit()), len(segments)
    )
    segments = _without_zeros(segments[:first_word]) + _without_zeros(segments[first_word:])
    key = bytearray()
    for place, segment in enumerate(segments):
        if not segment.isdigit():
            key += _WORD + text(segment)
        elif segment.strip("0") or _is_later(segments[place + 1 :]):
            key += _NUMBER + number(segment)
        else:
            key += _ZERO_BEFORE
    return bytes(key + _END)


def _is_later(rest: list[str]) -> bool:
    """Whether what follows a zero makes the version later than if it ended there: a number does, a word does not."""
    for segment in rest:
        if not segment.isdigit():
            return False
        if segment.strip("0"):
            return True
    return True


def _without_zeros(segments: list[str]) -> list[str]:
    while segments and not segments[-1].strip("0"):
        segments.pop()
    return segments
