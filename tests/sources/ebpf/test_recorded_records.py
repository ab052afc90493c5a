"""Bytes that the kernel wrote once, decoded without one; and bytes that no kernel writes."""

import json
import lzma
from pathlib import Path

from expected_events import missing
from hypothesis import given
from hypothesis import strategies as st

from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.event_source import RecordReader
from leadline.sources.ebpf.loading import read_object

RECORDS = [
    bytes.fromhex(one)
    for one in json.loads(lzma.decompress((Path(__file__).parent / "recorded_records.json.xz").read_bytes()))
]
TYPES = ObjectTypes(read_object("x86_64"))


def test_recorded_bytes_are_the_events_that_they_were():
    reader = RecordReader(TYPES)
    events = [event for event in map(reader.event, RECORDS) if event is not None]
    assert missing(events) == []
    assert reader.unreadable == 0
    assert len(events) > 100


@given(st.sampled_from(RECORDS), st.integers(0, 5000), st.binary(max_size=64))
def test_a_damaged_record_is_counted_or_an_event_but_never_an_error(record: bytes, at: int, junk: bytes):
    reader = RecordReader(TYPES)
    damaged = record[: at % len(record)] + junk + record[at % len(record) + len(junk) :]
    event = reader.event(damaged)
    assert event is not None or reader.unreadable == 1


@given(st.sampled_from(RECORDS), st.integers(0, 5000))
def test_a_record_that_is_cut_short_is_no_error(record: bytes, at: int):
    RecordReader(TYPES).event(record[: at % len(record)])
