"""BPF programs loaded; see ``bpf.bpf.c``."""

from leadline.model.event import BpfLoaded
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder


def bpf_loaded(head: Head, fields: Fields, texts: tuple[str, str]) -> BpfLoaded:
    return BpfLoaded(*head)


BPF = Probe(
    "bpf",
    ("enter_bpf",),
    "who loads BPF programs",
    (call_decoder("RECORD_BPF", bpf_loaded),),
)
