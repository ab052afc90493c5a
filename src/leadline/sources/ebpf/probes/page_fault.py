"""Processes that handle page faults; see ``page_fault.bpf.c``."""

from leadline.model.event import PageFaultsTaken
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def page_faults_taken(head: Head, fields: Fields, texts: tuple[str, str]) -> PageFaultsTaken:
    return PageFaultsTaken(*head, call_flags=number(fields[1]))


PAGE_FAULT = Probe(
    "page_fault",
    ("enter_userfaultfd",),
    "who handles page faults by itself, as exploits of the kernel do",
    (call_decoder("RECORD_PAGE_FAULT", page_faults_taken),),
)
