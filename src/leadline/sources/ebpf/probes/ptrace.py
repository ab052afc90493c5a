"""Processes that look into others; see ``ptrace.bpf.c``."""

from leadline.model.event import Traced
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def traced(head: Head, fields: Fields, texts: tuple[str, str]) -> Traced:
    return Traced(*head, request=number(fields[1]), target_pid=number(fields[2]))


PTRACE = Probe(
    "ptrace",
    ("enter_ptrace", "enter_process_vm_writev"),
    "which processes look into others or change them",
    (call_decoder("RECORD_PTRACE", traced),),
)
