import contextlib
import time

import pytest

from leadline.errors import ManifestError
from leadline.sbom.dockerfile.faults import faults_of
from leadline.sbom.dockerfile.instructions import LARGEST, Instruction, read_dockerfile


def read(text: str | bytes) -> tuple[Instruction, ...]:
    return read_dockerfile(text.encode() if isinstance(text, str) else text).instructions


def test_lines_that_continue_are_one_instruction_without_the_comments_between_them():
    text = "FROM a\nRUN one \\\n  # not this\n\n  two \\  \n three\nUSER b\n"
    assert [(one.name, one.text, one.line) for one in read(text)] == [
        ("FROM", "a", 1),
        ("RUN", "one   two  three", 2),
        ("USER", "b", 7),
    ]


def test_a_backtick_continues_lines_where_a_directive_says_so():
    file = read_dockerfile(b"# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nCOPY x C:\\\nRUN b `\n c\n")
    assert file.escape == "`"
    assert [one.text for one in file.instructions] == ["a", "x C:\\", "b  c"]
    assert read_dockerfile(b"# a comment\n# escape=`\nFROM a\n").escape == "\\"


def test_here_documents_belong_to_their_instruction():
    text = "FROM a\nRUN <<EOF bash\nUSER root\nEOF\nCOPY <<-'A' <<B /x/\n\tone\n\tA\nFROM z\nB\nRUN x=$((1<<A)) <<<C\nRUN cat <<NONE\nUSER b\n"
    instructions = read(text)
    assert [one.documents for one in instructions] == [(), ("USER root",), ("\tone", "FROM z"), (), (), ()]
    assert instructions[-1].name == "USER"


def test_flags_are_taken_off_and_triggers_are_told_apart():
    text = 'FROM --platform=linux/amd64 a\nADD --chmod=755 --link --checksum="sha256:1" x /\nONBUILD copy --from=b y /\n'
    one, two, three = read(text)
    assert (one.flag("platform"), one.text) == ("linux/amd64", "a")
    assert two.flags == (("chmod", "755"), ("link", ""), ("checksum", "sha256:1"))
    assert (three.name, three.is_trigger, three.flag("from"), three.text) == ("COPY", True, "b", "y /")


def test_texts_that_are_not_utf_8_and_ends_of_lines_of_windows_are_read():
    assert [one.text for one in read(b"\xef\xbb\xbfFROM a\r\nLABEL x=\xff\xfe\r\n")] == ["a", "x=��"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no FROM, so it builds nothing"),
        ("ARG A=1\n", "no FROM, so it builds nothing"),
        ("RUN a\nFROM b\n", "line 1: RUN before the first FROM"),
        ("FROM a\n\nFOO b\n", "line 3: unknown instruction FOO"),
        ("FROM a\nRUN\n", "line 2: RUN without a value"),
        ("FROM a\nONBUILD FROM b\n", "line 2: ONBUILD FROM is not allowed"),
        ("FROM a b\n", "line 1: FROM is not 'FROM IMAGE' or 'FROM IMAGE AS NAME'"),
        ("ARG A=\nFROM $A\n", "line 2: FROM is not 'FROM IMAGE' or 'FROM IMAGE AS NAME'"),
        ("# escape=x\nFROM a\n", "escape is neither a backslash nor a backtick"),
        ("FROM a\nRUN " + "x" * 70_000, "line 2: longer than 65,535 bytes, which builders refuse"),
        ("FROM a\n" + "#" * LARGEST, "larger than 1 MiB"),
        ("FROM a\n" + "USER b\n" * 6_000, "more than 5,000 instructions"),
        ("FROM a\n" * 600, "more than 500 stages"),
        ("FROM a\0", "binary content, no text"),
    ],
)
def test_what_builders_refuse_is_refused_with_the_line(text: str, why: str):
    with pytest.raises(ManifestError) as refused:
        faults_of(read_dockerfile(text.encode()))
    assert str(refused.value) == why


@pytest.mark.parametrize(
    "line",
    [
        "RUN " + "apt -/" * 10_000,
        "RUN " + "rm apt update " * 4_000,
        "RUN " + "pip  " * 12_000,
        "RUN " + "<<A " * 15_000,
        "ENV " + "a=\"b' " * 10_000,
        "ENV " + "x" * 60_000,
        "ENV " + "a=${a:-" * 9_000,
        "ADD " + "--a " * 15_000 + "x y",
        "\n".join(f"ENV A{n}=$A{n - 1}$A{n - 1}" for n in range(4_000)),
        "\n".join(f"FROM s{n} AS s{n + 1}\n" + "ENV B=$B$B C=$B\n" * 8 for n in range(450)),
        "RUN a \\\n" * 60_000 + "b",
        ";" * 60_000,
    ],
)
def test_no_line_takes_long(line: str):
    started = time.process_time()
    with contextlib.suppress(ManifestError):
        faults_of(read_dockerfile(f"FROM a AS s0\n{line}\n".encode()))
    assert time.process_time() - started < 5
