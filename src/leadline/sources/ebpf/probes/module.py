"""Kernel modules; see ``module.bpf.c``."""

from leadline.model.event import ModuleChanged
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder


def module_changed(head: Head, fields: Fields, texts: tuple[str, str]) -> ModuleChanged:
    return ModuleChanged(*head, call="remove" if fields[1] == 1 else "load", name=texts[0])


MODULE = Probe(
    "module",
    ("enter_init_module", "enter_finit_module", "enter_delete_module"),
    "who loads or removes kernel modules",
    (call_decoder("RECORD_MODULE", module_changed),),
)
