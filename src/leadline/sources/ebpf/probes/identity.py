"""Users and groups that a process becomes; see ``identity.bpf.c``."""

from leadline.model.event import IdentityChanged
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number

_CALLS = ("setuid", "setreuid", "setresuid", "setgid")
_USED = (1, 2, 3, 1)
"""How many ids each call takes."""


def identity_changed(head: Head, fields: Fields, texts: tuple[str, str]) -> IdentityChanged:
    """A call's number is in its highest bits; -1 keeps an id as it is."""
    which = number(fields[1]) >> 32 & 3
    ids = [number(one) & 0xFFFFFFFF for one in fields[1 : 1 + _USED[which]]]
    return IdentityChanged(
        *head, call=_CALLS[which], ids=tuple(-1 if one == 0xFFFFFFFF else one for one in ids)
    )


IDENTITY = Probe(
    "identity",
    ("enter_setuid", "enter_setreuid", "enter_setresuid", "enter_setgid"),
    "which users and groups processes become",
    (call_decoder("RECORD_IDENTITY", identity_changed),),
)
