"""Device files that are made; see ``device.bpf.c``."""

from leadline.model.event import DeviceMade
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def device_made(head: Head, fields: Fields, texts: tuple[str, str]) -> DeviceMade:
    return DeviceMade(*head, path=texts[0], is_block=bool(number(fields[1])), device=number(fields[2]))


DEVICE = Probe(
    "device",
    ("enter_mknod", "enter_mknodat"),
    "which device files are made, such as that of a disk of the node",
    (call_decoder("RECORD_DEVICE", device_made),),
)
