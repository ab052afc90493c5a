"""What holds for every feed: its samples say what is expected, and no document makes more of it than a named problem."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed_samples import EXPECTED, FEEDS, documents, every_document, expected, told
from leadline.model.vulnerability import Advisory, ExploitChance, Exploited, FeedDate, ReleaseEnd
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document

HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>nothing here</body></html>\n"
FACTS = (Advisory, Exploited, ExploitChance, ReleaseEnd, FeedDate)
DOCUMENTS = every_document()
IDS = [f"{feed}/{document.path}" for feed, document in DOCUMENTS]
WRONG_SHAPES = (
    b"[]",
    b"{}",
    b"null",
    b"7",
    b'"text"',
    b"[[[[[]]]]]",
    b'{"id": 7}',
    b"<a/>",
    b"<a><b></a>",
    b"---\n- a: [b\n",
)


def read_all(feed: str, data: bytes, path: str) -> int:
    """The number of facts; every one is a fact, and nothing but ``Unreadable`` comes up."""
    count = 0
    try:
        for fact in FEEDS[feed].read(Document(path, data)):
            assert isinstance(fact, FACTS)
            count += 1
    except Unreadable as error:
        why = str(error)
    else:
        why = "whole"
    assert 0 < len(why) < 1000
    return count


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_a_feed_says_of_its_samples_what_is_expected(feed: str) -> None:
    found = {document.path: told(feed, document) for document in documents(feed)}
    assert found
    assert found == expected(feed)


def test_nothing_is_expected_of_a_feed_that_is_not_there() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(FEEDS)


@pytest.mark.parametrize(("feed", "document"), DOCUMENTS, ids=IDS)
def test_exactly_one_feed_takes_a_document(feed: str, document: Document) -> None:
    assert [name for name in FEEDS if FEEDS[name].recognises(document)] == [feed]


@pytest.mark.parametrize("data", [HTML, b"", b" \n", b"\0" * 100, *WRONG_SHAPES])
def test_no_feed_takes_what_is_in_no_format(data: bytes) -> None:
    assert [name for name in FEEDS if FEEDS[name].recognises(Document("page.json", data))] == []


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_a_document_of_another_kind_is_unreadable(feed: str) -> None:
    for data in (HTML, b"", b" \n", b"\0" * 100, b"\xff\xfe{}"):
        with pytest.raises(Unreadable):
            list(FEEDS[feed].read(Document("cve_data_photon4.0.json", data)))


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_a_document_of_another_shape_gives_no_fact(feed: str) -> None:
    assert [data for data in WRONG_SHAPES if read_all(feed, data, "cve_data_photon4.0.json")] == []


@pytest.mark.parametrize(("feed", "document"), DOCUMENTS, ids=IDS)
def test_a_document_cut_short_is_read_as_far_as_it_goes(feed: str, document: Document) -> None:
    whole = read_all(feed, document.data, document.path)
    for tenth in range(10):
        part = document.data[: len(document.data) * tenth // 10]
        assert read_all(feed, part, document.path) <= max(whole, 1)


# In other notations a part may be whole.
CLOSED = [(feed, document) for feed, document in DOCUMENTS if document.data.lstrip()[:1] in b"{[<"]


@pytest.mark.parametrize(("feed", "document"), CLOSED, ids=[f"{document.path}" for _, document in CLOSED])
def test_json_or_xml_cut_short_is_named(feed: str, document: Document) -> None:
    part = document.data.rstrip()[:-1]
    with pytest.raises(Unreadable):
        list(FEEDS[feed].read(Document(document.path, part)))


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_deep_nesting_is_unreadable(feed: str) -> None:
    for data in (b"[" * 200_000, b'{"id":' * 100_000, b"<a>" * 100_000, b"- " * 20_000):
        with pytest.raises(Unreadable):
            list(FEEDS[feed].read(Document("cve_data_photon4.0.json", data)))


def test_an_entity_is_never_expanded() -> None:
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE updates [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
        b"<updates><update><id>&b;</id></update></updates>"
    )
    for feed in ("amazon", "rocky-updateinfo", "oracle", "suse-oval", "azure-linux", "ubuntu-oval"):
        with pytest.raises(Unreadable, match="document type"):
            list(FEEDS[feed].read(Document("updateinfo.xml", bomb)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_bytes_that_changed_make_no_fault(seed: int) -> None:
    choice = random.Random(seed)
    feed, document = choice.choice(DOCUMENTS)
    data = bytearray(document.data)
    for _ in range(choice.randint(1, 12)):
        place = choice.randrange(len(data))
        match choice.randrange(4):
            case 0:
                data[place] = choice.randrange(256)
            case 1:
                del data[place : place + choice.randint(1, 40)]
            case 2:
                data[place:place] = bytes(data[place : place + choice.randint(1, 400)])
            case _:
                data[place:place] = choice.choice(
                    (b"null", b"[]", b"{}", b"-1", b"1e999", b'"', b"<", b">", b"\0", b"\xff", b"0")
                )
        if not data:
            break
    read_all(feed, bytes(data), document.path)


IN_JSON = [
    (feed, document)
    for feed, document in DOCUMENTS
    if document.data[:1] in b"{[" and feed != "debian-updates"
]
VALUES = (
    None,
    [],
    {},
    "",
    "0",
    " ",
    "1 || 2",
    "-",
    "9" * 400,
    -1,
    1e300,
    True,
    [[]],
    {"a": []},
    "<b>",
    "CVE-2024-1\n",
    ["a", 7],
)


def changed(value: object, choice: random.Random) -> object:
    """A copy in which some value has become another one."""
    if choice.random() < 0.04:
        return choice.choice(VALUES)
    if isinstance(value, dict):
        return {key: changed(one, choice) for key, one in value.items() if choice.random() > 0.02}
    if isinstance(value, list):
        return [changed(one, choice) for one in value for _ in range(choice.choice((1, 1, 1, 1, 2)))]
    return value


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_values_of_other_kinds_make_no_fault(seed: int) -> None:
    choice = random.Random(seed)
    feed, document = choice.choice(IN_JSON)
    data = json.dumps(changed(json.loads(document.data), choice)).encode()
    read_all(feed, data, document.path)
