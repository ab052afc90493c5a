"""Programs of languages whose packages become a part of them, without a list of these."""

from leadline.packages.file import File, Unreadable
from leadline.sbom.parsers.executable import executable_of

_OF_GO = (".gopclntab", ".note.go.buildid", "__TEXT,__gopclntab")
_OF_RUST = b"rustc version"
"""In the section where compilers write their names (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html)."""


def unlisted_program(file: File) -> str:
    """What a program is that no packages were found in, in the plural: ``Go programs without build information``; empty for others."""
    try:
        program = executable_of(file)
        if program.has_section(*_OF_GO):
            return "Go programs without build information"
        return "Rust programs without a list of crates" if _OF_RUST in program.section(".comment") else ""
    except Unreadable:
        return ""
