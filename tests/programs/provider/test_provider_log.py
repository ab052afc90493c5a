"""The log: any flipped bit is named, and what a crash leaves is taken up or cut off."""

import os
import random
from itertools import pairwise
from pathlib import Path

import pytest
from tests.programs.provider.provider_parts import Provider, report

from leadline.errors import SourceError, StoreError
from leadline.programs.provider.log import verify_log

ROW = 56
"""Bytes of an entry of the index."""


def filled(provider: Provider, messages: int = 4) -> Path:
    for number in range(messages):
        provider.take(report(range(number, number + 3)))
    return provider.log


def test_a_log_is_what_was_acknowledged(provider: Provider):
    found = verify_log(filled(provider), provider.place.keys.verifier)
    assert (found.entries, found.signed, found.faults) == (4, 4, ())


@pytest.mark.parametrize("name", ["records", "index", "checkpoint"])
def test_any_flipped_bit_is_named(provider: Provider, name: str):
    log = filled(provider)
    key = provider.place.keys.verifier
    content = (log / name).read_bytes()
    bits = range(len(content) * 8)
    chosen = bits if name == "checkpoint" else random.Random(7).sample(bits, 400)
    for bit in chosen:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        (log / name).write_bytes(changed)
        assert verify_log(log, key).faults, f"bit {bit} of {name}"
    (log / name).write_bytes(content)
    assert not verify_log(log, key).faults


def test_the_damaged_entry_is_the_one_that_is_named(provider: Provider):
    log = filled(provider)
    index = (log / "index").read_bytes()
    ends = [int.from_bytes(index[at - 8 : at]) for at in range(ROW, len(index) + 1, ROW)]
    content = bytearray((log / "records").read_bytes())
    content[(ends[1] + ends[2]) // 2] ^= 4
    (log / "records").write_bytes(content)
    faults = verify_log(log, provider.place.keys.verifier).faults
    assert [one.partition(":")[0] for one in faults] == ["entry 2"]


def test_entries_that_were_cut_off_are_missed(provider: Provider):
    log = filled(provider)
    index = (log / "index").read_bytes()
    (log / "index").write_bytes(index[:-ROW])
    (log / "records").write_bytes((log / "records").read_bytes()[: int.from_bytes(index[-ROW - 8 : -ROW])])
    faults = verify_log(log, provider.place.keys.verifier).faults
    assert faults == ("checkpoint: 1 entries that it covers are missing",)
    provider.again()
    assert provider.ingest.catch_up() == 0
    assert provider.alerts() == {"damaged-log"}
    ((text,),) = provider.place.tables.read("default", "SELECT text FROM alert WHERE tenant = ?")
    # Readers are told no path of the provider's machine.
    assert "/" not in text
    with pytest.raises(StoreError, match="not what its checkpoint says"):
        provider.take(report([1]))


def test_exchanged_entries_are_found(provider: Provider):
    """Both are entries of this log, and the index is made to fit."""
    log = filled(provider)
    index = (log / "index").read_bytes()
    rows = [index[at : at + ROW] for at in range(0, len(index), ROW)]
    ends = [0, *(int.from_bytes(row[-8:]) for row in rows)]
    content = (log / "records").read_bytes()
    pieces = [content[a:b] for a, b in pairwise(ends)]
    order = [0, 2, 1, 3]
    (log / "records").write_bytes(b"".join(pieces[one] for one in order))
    end, changed = 0, b""
    for one in order:
        end += len(pieces[one])
        changed += rows[one][:-8] + end.to_bytes(8)
    (log / "index").write_bytes(changed)
    assert verify_log(log, provider.place.keys.verifier).faults


@pytest.mark.parametrize("torn", [b"", b"x", b"x" * (ROW - 1), b"\0" * ROW])
def test_what_a_crash_wrote_in_part_is_cut_off(provider: Provider, torn: bytes):
    log = filled(provider)
    with (log / "records").open("ab") as stream:
        stream.write(b"half a record")
    with (log / "index").open("ab") as stream:
        stream.write(torn)
    provider.again()
    assert provider.ingest.catch_up() == 0
    provider.take(report(range(9)))
    found = verify_log(log, provider.place.keys.verifier)
    assert (found.entries, found.faults) == (5, ())


def test_an_entry_without_its_checkpoint_counts(provider: Provider):
    """Written and synced, and then the power went: its sender has no receipt, and sends it again."""
    log = filled(provider)
    before = (log / "checkpoint").read_bytes()
    provider.take(report([1, 2]), key="00000000-0000-4000-8000-000000000001")
    (log / "checkpoint").write_bytes(before)
    provider.again()
    assert provider.ingest.catch_up() == 0
    receipt = provider.take(report([1, 2]), key="00000000-0000-4000-8000-000000000001")
    assert receipt.open == 2
    assert verify_log(log, provider.place.keys.verifier).entries == 5


def test_a_damaged_log_holds_up_no_other_source_and_loses_no_table(provider: Provider):
    log = filled(provider)
    before = provider.open()
    content = bytearray((log / "records").read_bytes())
    content[3] ^= 4
    (log / "records").write_bytes(content)
    provider.again()
    provider.ingest.catch_up()
    with pytest.raises(SourceError, match="entry 0"):
        list(provider.rebuild())
    assert provider.open() == before
    (log / "index").write_bytes(b"")
    provider.again()
    counts = []
    for _ in range(5):
        with pytest.raises(StoreError):
            provider.take(report([1]))
        counts.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
    assert len(set(counts)) == 1


@pytest.mark.parametrize("name", ["index", "records", "checkpoint"])
def test_what_is_no_file_is_named(provider: Provider, name: str):
    log = filled(provider)
    (log / name).unlink()
    os.mkfifo(log / name)
    with pytest.raises(SourceError, match="cannot read"):
        verify_log(log, provider.place.keys.verifier)


def test_a_sparse_index_of_a_terabyte_is_given_up(provider: Provider):
    log = filled(provider)
    with (log / "index").open("r+b") as stream:
        stream.truncate(1 << 40)
    faults = verify_log(log, provider.place.keys.verifier).faults
    assert len(faults) == 1_001
    assert faults[-1].endswith("were not read")


def test_no_other_account_reads_a_log(provider: Provider):
    log = filled(provider)
    parts = (log, log.parent, log.parent.parent, *log.iterdir())
    assert {one.stat().st_mode & 0o077 for one in parts} == {0}
