"""Stored objects as values, whoever wrote them."""

import msgspec
import orjson
import pytest

from leadline.api.kinds.configuration import FailedPath, WorkloadConfigurationScan
from leadline.api.kinds.scans import ImageScan, ScanRun
from leadline.api.protocol import Content, Entry
from leadline.api.selection import Key
from leadline.api.stored import Reader, metadata_of
from leadline.errors import StoreError


def entry(body: object, metadata: object = None) -> Entry:
    content = Content(orjson.dumps(metadata or {"name": "web"}), body=orjson.dumps(body))
    return Entry(Key("workloadconfigurationscans", "shop", "web"), 1, content)


def test_null_and_absent_fields_have_the_defaults_of_the_struct():
    control = {"controlID": None, "status": None, "rules": [None, {"paths": [{"value": None, "on": None}]}]}
    body = {"spec": {"controls": {"C-1": control, "C-2": None}, "relatedObjects": None, "unknown": 1}}
    (found,) = Reader(WorkloadConfigurationScan)(entry(body)).spec.controls.values()
    assert (found.control_id, found.status.status) == ("", "")
    (rule,) = found.rules or ()
    assert rule.paths == (FailedPath(value=None),)
    assert Reader(ScanRun)(entry({"spec": None, "status": {"coverage": None}})) == ScanRun()
    assert Reader(ImageScan)(entry({})) == ImageScan()
    assert metadata_of(entry({}, {"name": "web", "labels": None, "annotations": {"a": None}})).labels == {}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"spec":1}', b'{"spec":{"controls":[]}}', b"\xff", b'"' * 3])
def test_what_has_another_form_is_refused_with_its_name(body: bytes):
    stored = Entry(Key("workloadconfigurationscans", "shop", "web"), 1, Content(b"{}", body=body))
    with pytest.raises(StoreError, match="workloadconfigurationscans shop/web: it cannot be read"):
        Reader(WorkloadConfigurationScan)(stored)


def test_a_value_reads_back_as_it_was_written():
    scan = WorkloadConfigurationScan()
    assert msgspec.json.decode(msgspec.json.encode(scan), type=WorkloadConfigurationScan) == scan
