"""The compiled probes that are part of the package, for both architectures; nothing here needs a kernel."""

import shutil
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.model import event as of
from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.build import ARCHITECTURES, build
from leadline.sources.ebpf.event_source import RecordReader, all_probes
from leadline.sources.ebpf.loading import COUNTERS, read_object
from leadline.sources.ebpf.probes import __path__ as probe_folder
from leadline.sources.ebpf.probes.capability import NAMES
from leadline.sources.ebpf.syscall_names import syscall_names

BOTH = pytest.mark.parametrize("machine", list(ARCHITECTURES))


def described(types: ObjectTypes) -> dict[str, object]:
    return {
        "programs": dict(types.programs()),
        "layouts": {name: types.layout(name) for name in types.structures()},
        "container": types.layout("container"),
        "kinds": dict(types.numbers("RECORD_EXEC")),
        "constants": dict(types.constants(".rodata")),
    }


@BOTH
def test_every_program_belongs_to_one_probe(machine: str):
    named = [program for probe in all_probes() for program in probe.programs]
    assert len(named) == len(set(named))
    assert set(named) == set(ObjectTypes(read_object(machine)).programs())


@BOTH
def test_decoders_and_layouts_agree(machine: str):
    types = ObjectTypes(read_object(machine))
    reader = RecordReader(types)
    decoded = {decoder.kind for probe in all_probes() for decoder in probe.decoders}
    assert decoded == set(types.numbers("RECORD_EXEC")) - {"RECORD_KINDS"}
    assert len(reader.kinds) == len(decoded) + 1


def test_both_architectures_have_the_same_layouts():
    one, other = (described(ObjectTypes(read_object(machine))) for machine in ARCHITECTURES)
    assert one == other


@BOTH
def test_flags_and_counters_have_the_numbers_of_the_kernel_side(machine: str):
    types = ObjectTypes(read_object(machine))
    for name, number in types.numbers("IS_SNAPSHOT").items():
        assert getattr(of, name.removeprefix("IS_")) == number
    kernel = [name.removeprefix("COUNT_").lower() for name in types.numbers("COUNT_SENT")]
    assert kernel == [*COUNTERS, "counters"]


def test_each_probe_has_a_file_on_both_sides():
    folder = Path(next(iter(probe_folder)))
    kernel = {path.name.removesuffix(".bpf.c") for path in folder.glob("*.bpf.c")}
    assert kernel == {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert len(kernel) > 15


@BOTH
def test_the_object_is_what_its_sources_make(machine: str, tmp_path: Path):
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    build(machine, tmp_path / "built.o")
    assert described(ObjectTypes((tmp_path / "built.o").read_bytes())) == described(
        ObjectTypes(read_object(machine))
    )


@BOTH
def test_the_instructions_are_what_the_sources_make_by_the_same_compiler(machine: str, tmp_path: Path):
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    build(machine, tmp_path / "built.o")
    built, kept = ObjectTypes((tmp_path / "built.o").read_bytes()), ObjectTypes(read_object(machine))
    sections = set(built.programs().values())
    assert len(sections) > 40
    assert {name: built.sections[name][1] for name in sections} == {
        name: kept.sections[name][1] for name in sections
    }


def test_an_unknown_processor_is_named():
    with pytest.raises(
        SourceError, match="no probes for processors of type riscv64; there are x86_64 and aarch64"
    ):
        read_object("riscv64")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(200), bytes(5000)])
def test_a_damaged_object_is_an_error_of_ours(content: bytes):
    with pytest.raises(SourceError, match="damaged"):
        ObjectTypes(content)


def test_names_of_calls_and_capabilities():
    assert syscall_names("x86_64")[257] == "openat"
    assert syscall_names("aarch64")[56] == "openat"
    assert syscall_names("riscv64") == {}
    assert (NAMES[21], NAMES[39], len(NAMES)) == ("SYS_ADMIN", "BPF", 41)
