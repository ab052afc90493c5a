"""What a receipt has to prove, whatever it is for."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.programs.provider.provider_parts import Provider, found, image, measured, report

from leadline.api.provider.wire import Changes
from leadline.scans.submitting.sending import DoubtError, Message, check, parcel_of


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    made = Provider(tmp_path / "provider")
    yield made
    made.close()


@pytest.mark.parametrize(
    "content",
    [report([1]), Changes(1, "", measured(), (found(1),)), image(1, "apk a 1")],
    ids=["report", "changes", "image"],
)
def test_each_part_of_a_receipt_is_held_against_the_log(provider: Provider, content: Message | Changes):
    trusted, parcel = provider.place.keys.verifier, parcel_of(content, str(uuid.uuid4()))
    first = provider.take(image(9, "apk z 1"))
    before = trusted.opened(first.checkpoint)
    receipt = provider.take(content, parcel.key, known_size=1)
    check(receipt, parcel, before, trusted)
    head = msgspec.json.decode(receipt.head)
    others = [
        replace(receipt, head=msgspec.json.encode(head | {name: changed}).decode())
        for name, value in head.items()
        for changed in (value + 1 if isinstance(value, int) else f"{value}0",)
    ]
    assert len(others) == 8
    others += (
        replace(receipt, checkpoint=first.checkpoint),
        replace(receipt, checkpoint=receipt.checkpoint.replace("\n2\n", "\n3\n")),
        replace(receipt, inclusion=("00" * 32,)),
        replace(receipt, inclusion=()),
        replace(receipt, consistency=()),
        replace(receipt, consistency=(*receipt.consistency, "00" * 32)),
    )
    for other in others:
        with pytest.raises(DoubtError):
            check(other, parcel, before, trusted)


def test_the_receipt_of_an_equal_report_before_proves_nothing(provider: Provider):
    trusted = provider.place.keys.verifier
    parcel = parcel_of(report([1]), str(uuid.uuid4()))
    receipt = provider.take(report([1]), parcel.key)
    before = trusted.opened(receipt.checkpoint)
    check(replace(receipt, consistency=()), parcel, before, trusted)
    with pytest.raises(DoubtError, match="for another message"):
        check(replace(receipt, consistency=()), replace(parcel, key=str(uuid.uuid4())), before, trusted)
