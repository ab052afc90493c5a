"""Files changed otherwise than by writing to them, and special files made; see ``alter.bpf.c``."""

from leadline.model.event import Altered
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number

_WHAT = {1: "owner", 2: "times", 3: "size", 4: "attributes", 5: "special"}
_CALLS = (
    "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat", "utimensat", "truncate",
    "setxattr", "lsetxattr", "fsetxattr", "bind",
)  # fmt: skip


def altered(head: Head, fields: Fields, texts: tuple[str, str]) -> Altered:
    return Altered(*head, what=_WHAT.get(number(fields[1]), ""), path=texts[0])


ALTER = Probe(
    "alter",
    tuple(f"enter_{call}" for call in _CALLS),
    "whose owner, times, size or attributes are changed, and which sockets and pipes are made",
    (call_decoder("RECORD_ALTER", altered),),
)
