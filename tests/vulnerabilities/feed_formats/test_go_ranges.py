"""Go's ranges for versions that are not tags of the module, together with the plain ones."""

import json

import pytest

from leadline.model.vulnerability import Advisory
from leadline.vulnerabilities.feed import Document
from leadline.vulnerabilities.feeds.osv import osv

Events = list[dict[str, str]]


def spans(plain: Events, custom: Events) -> list[tuple[str, str]]:
    affected = {
        "package": {"ecosystem": "Go", "name": "example.org/m"},
        "ranges": [{"type": "SEMVER", "events": plain}],
        "ecosystem_specific": {"custom_ranges": [{"type": "ECOSYSTEM", "events": custom}]},
    }
    record = {"id": "GO-2026-0001", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}
    facts = osv.read(Document("GO-2026-0001.json", json.dumps(record).encode()))
    (advisory,) = [fact for fact in facts if isinstance(fact, Advisory)]
    return [(one.introduced, one.fixed) for one in advisory.affected[0].ranges]


def since(version: str, fixed: str = "") -> Events:
    return [{"introduced": version}, *([{"fixed": fixed}] if fixed else [])]


@pytest.mark.parametrize(
    ("plain", "custom", "expected"),
    [
        (since("0"), since("0", "4.0.0"), [("", "4.0.0")]),
        (
            since("5.0.0"),
            since("0", "8.5.14") + since("9.0.0", "9.1.8"),
            [("5.0.0", "8.5.14"), ("9.0.0", "9.1.8")],
        ),
        (since("0", "1.0.0"), since("0.9.1"), [("0.9.1", "1.0.0")]),
        (since("0", "20.10.0"), since("19.3.0", "19.3.1"), [("", "20.10.0"), ("19.3.0", "19.3.1")]),
        (since("0", "1.2.0"), [], [("", "1.2.0")]),
    ],
)
def test_custom_ranges_add_what_plain_ones_cannot_say(
    plain: Events, custom: Events, expected: list[tuple[str, str]]
):
    assert spans(plain, custom) == expected
