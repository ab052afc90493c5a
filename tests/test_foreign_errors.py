from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from leadline.foreign_errors import in_words, placed


class Inner(Struct):
    number: int


class One(Struct, tag="one"):
    pass


class Two(Struct, tag="two"):
    pass


class Form(Struct, forbid_unknown_fields=True):
    port: Annotated[int, Meta(ge=1, le=65535)] = 1
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    step: Annotated[int, Meta(multiple_of=5)] = 5
    name: Annotated[str, Meta(min_length=1, max_length=3)] = "a"
    word: Annotated[str, Meta(pattern=r"^a\d+$")] = "a1"
    at: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")] = ""
    some: Annotated[list[Inner], Meta(max_length=2)] = []
    named: dict[str, Inner] = {}
    counted: dict[int, str] = {}
    other: Inner | None = None
    mode: Literal["fast", "full"] = "full"
    kind: One | Two | None = None
    pair: tuple[int, str] = (1, "a")
    either: int | str | None = None
    is_on: bool = False
    since: datetime | None = None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ('{"port":70000}', "port: must be a whole number of at most 65535"),
        ('{"port":0}', "port: must be a whole number of at least 1"),
        ('{"port":"x"}', "port: must be a whole number, not text"),
        ('{"port":1.5}', "port: must be a whole number, not a fraction"),
        ('{"port":null}', "port: must be a whole number, not null"),
        ('{"share":2}', "share: must be a number below 1"),
        ('{"step":3}', "step: must be a multiple of 5"),
        ('{"name":""}', "name: must be text of at least 1 character"),
        ('{"name":"aaaa"}', "name: must be text of at most 3 characters"),
        ('{"word":"b"}', r"word: must be text that matches ^a\d+$"),
        ('{"at":"x"}', "at: must be a moment such as 2026-01-31T12:00:00Z"),
        ('{"some":[{"number":1},{"number":1},{"number":1}]}', "some: must be a list of at most 2 entries"),
        ('{"some":[{"number":"x"}]}', "some[0].number: must be a whole number, not text"),
        ('{"some":[{}]}', "some[0].number: is missing"),
        ('{"named":{"a":{}}}', "named[…].number: is missing"),
        ('{"counted":{"a":""}}', "counted: its keys: must be a whole number, not text"),
        ('{"other":[]}', "other: must be a mapping or null, not a list"),
        ('{"mode":"slow"}', "mode: is not one of the values that are known"),
        ('{"pair":[1]}', "pair: must be a list of 2 entries"),
        ('{"either":[]}', "either: must be a whole number or text or null, not a list"),
        ('{"is_on":1}', "is_on: must be true or false, not a whole number"),
        ('{"since":"x"}', "since: Invalid RFC3339 encoded datetime"),
        ('{"colour":1}', "colour: is not a known field"),
        ('{"\\u001b[31mcol\\nour\\u202e":1}', "?[31mcol our?: is not a known field"),
        ('{"kind":{"type":"hunter2"}}', "kind.type: is not one of the values that are known"),
        ("[]", "must be a mapping, not a list"),
        ("", "empty or cut short"),
        ('{"port"', "empty or cut short"),
        ("nope", "not JSON at byte 4: invalid character"),
        ('{"port":1} x', "not JSON at byte 12: trailing characters"),
    ],
)
def test_a_document_of_another_form_is_described_by_its_field(document: str, words: str) -> None:
    assert words_of(document.encode(), Form) == words


def test_what_is_no_text_and_what_is_nested_too_deeply_is_described() -> None:
    assert words_of(b'{"name":"\xff"}', Form) == "not UTF-8 at byte 0"
    assert words_of(b"[" * 5_000, Any) == "too deeply nested"


def test_a_hostile_name_is_cut() -> None:
    place, why = placed(fault_of(f'{{"{"x" * 5_000}":1}}'.encode(), Form))
    assert (len(place), why) == (100, "is not a known field")


def test_a_file_that_cannot_be_read_is_described_by_what_the_system_says() -> None:
    assert in_words(PermissionError(13, "Permission denied", "/secret")) == "permission denied"


def words_of(document: bytes, form: Any) -> str:
    return in_words(fault_of(document, form))


def fault_of(document: bytes, form: Any) -> Exception:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError, RecursionError)) as caught:
        msgspec.json.decode(document, type=form)
    return caught.value
