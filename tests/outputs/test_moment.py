from hashlib import sha1
from uuid import NAMESPACE_URL, UUID

import pytest

from leadline.outputs.text.json_text import content_uuid, dated


@pytest.mark.parametrize("text", [b"", b"one", b"two", bytes(range(256)), *(bytes([i]) for i in range(64))])
def test_name_that_follows_from_a_text_is_a_uuid_of_version_5(text: bytes) -> None:
    digest = sha1(NAMESPACE_URL.bytes + b"leadline " + text, usedforsecurity=False).digest()
    assert content_uuid(text) == str(UUID(bytes=digest[:16], version=5))


def test_moment_and_name_fill_what_stands_open_and_nothing_that_is_quoted() -> None:
    text = b'{"at":"","id":"","told":"\\"at\\":\\"\\""}'
    name = content_uuid(text.replace(b'"at":""', b'"at":"now"', 1)).encode()
    expected = b'{"at":"now","id":"urn:uuid:' + name + b'","told":"\\"at\\":\\"\\""}\n'
    assert dated(text, "now", ("at",), "id") == expected
    assert dated(text, "now", (), "") == text + b"\n"
