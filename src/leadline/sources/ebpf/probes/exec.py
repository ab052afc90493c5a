"""Programs that were started, with their container's names; see ``exec.bpf.c``."""

from leadline.model.event import COLLAPSED, Executed
from leadline.sources.ebpf.probe import (
    Decoder,
    Fields,
    Head,
    Probe,
    content,
    folder_path,
    joined_path,
    number,
    program_name,
    text,
)

FIELDS = (
    "start_ns", "parent_start_ns", "parent_exe_id", "net_id", "cgroup_id", "parent_program", "exe_size", "parts",
    "name_size", "arguments_size", "cgroup_size", "parent_cgroup_size", "environment_size", "tty_size",
    "folder_size", "unused",
)  # fmt: skip


def executed(head: Head, fields: Fields, tail: bytes) -> Executed:
    """The texts follow each other in the order in which they are cut off here."""
    start, parent_start, parent_exe, net, cgroup_id, parent_program, exe_size, _ = fields[:8]
    name_size, arguments_size, cgroup_size, parent_size, environment_size, tty_size = map(
        number, fields[8:14]
    )
    at = 0
    texts = []
    for size in (
        number(exe_size),
        name_size,
        arguments_size,
        cgroup_size,
        parent_size,
        tty_size,
        environment_size,
        number(fields[14]),
    ):
        texts.append(tail[at : at + size])
        at += size
    words = texts[2].removesuffix(b"\0").decode("utf-8", "replace").split("\0") if texts[2] else []
    names = {text(pair.partition(b"=")[0]) for pair in texts[6].split(b"\0") if pair}
    return Executed(
        *head,
        path=joined_path(texts[0], head[7]),
        name=text(texts[1]),
        arguments=() if head[7] & COLLAPSED else tuple(words),
        cgroup=text(texts[3]),
        parent_cgroup=text(texts[4]),
        tty=text(texts[5]),
        environment=tuple(sorted(names)),
        folder=folder_path(texts[7]),
        parent_program=program_name(content(parent_program)),
        parent_exe_id=number(parent_exe),
        start_ns=number(start),
        parent_start_ns=number(parent_start),
        net_id=number(net),
        cgroup_id=number(cgroup_id),
    )


EXEC = Probe(
    "exec",
    ("on_exec",),
    "which programs are started, with which arguments; without it no container is known",
    (Decoder("RECORD_EXEC", "exec_record", FIELDS, executed, tail="text"),),
)
