"""Files and folders removed, renamed, made; see ``remove.bpf.c``."""

from leadline.model.event import Removed, Renamed
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number

_WHAT = {1: "file", 2: "folder", 3: "made"}


def removed(head: Head, fields: Fields, texts: tuple[str, str]) -> Removed:
    return Removed(*head, what=_WHAT.get(number(fields[1]), ""), path=texts[0])


def renamed(head: Head, fields: Fields, texts: tuple[str, str]) -> Renamed:
    return Renamed(*head, path=texts[0], new_path=texts[1])


REMOVE = Probe(
    "remove",
    (
        "enter_unlink",
        "enter_unlinkat",
        "enter_rmdir",
        "enter_mkdir",
        "enter_mkdirat",
        "exit_mkdir",
        "exit_mkdirat",
        "enter_rename",
        "enter_renameat",
        "enter_renameat2",
    ),
    "which files are removed or renamed, which folders are made",
    (
        call_decoder("RECORD_REMOVE", removed),
        call_decoder("RECORD_RENAME", renamed),
    ),
)
