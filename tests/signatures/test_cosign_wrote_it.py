"""What cosign itself wrote, recorded: signatures and attestations by key, under tags and as bundles.

``cosign.json`` was made with cosign v2.6.5 against Debian's registry: ``cosign sign`` and ``cosign attest`` with
``--tlog-upload=false``, the first image in the default form, the second with ``--new-bundle-format``.
"""

import base64
import json
from pathlib import Path

import pytest

from leadline.signatures.keys import read_key
from leadline.signatures.policy import Allowed, Rule
from leadline.signatures.trust import Blob, KeylessSigned, Keys, statements_of, trust_of
from signing import new_key, pem

RECORDED = json.loads((Path(__file__).parent / "cosign.json").read_text())
IMAGES = RECORDED["images"]


def blobs(image: dict) -> list[Blob]:
    return [
        Blob(one["where"], one["media_type"], one["annotations"], base64.b64decode(one["content"]))
        for one in image["blobs"]
    ]


def refused(blob: Blob) -> KeylessSigned:
    raise AssertionError("no keyless signature was recorded")


def trust(image: dict, key: bytes, digest: str = "", **asked: list[str]):
    signer = Allowed(name="release", key="key.pub")
    rule = Rule(images=["*"], signers=[signer], **asked)
    keys = Keys(((signer, read_key(key)),))
    return trust_of("web", digest or image["digest"], rule, blobs(image), (keys, refused))


@pytest.mark.parametrize("image", IMAGES, ids=["tags", "bundles"])
def test_its_signatures_and_attestations_count(image):
    found = trust(image, RECORDED["key"].encode(), attestations=["slsa"])
    assert found.outcome == "trusted", found
    assert [json.loads(one)["buildDefinition"]["buildType"] for one in statements_of(found, "slsa")] == [
        "https://x.example/b"
    ]


@pytest.mark.parametrize("image", IMAGES, ids=["tags", "bundles"])
def test_another_key_or_another_image_makes_nothing_of_them(image):
    assert trust(image, pem(new_key())).outcome == "not trusted"
    assert trust(image, RECORDED["key"].encode(), "sha256:" + "0" * 64).outcome == "not trusted"


@pytest.mark.parametrize("image", IMAGES, ids=["tags", "bundles"])
def test_no_changed_byte_is_let_pass(image):
    """Each byte of what is signed, one after the other in steps, turned into another."""
    key = RECORDED["key"].encode()
    signed = [
        blob
        for blob in blobs(image)
        if trust({**image, "blobs": only(image, blob)}, key).outcome == "trusted"
    ]
    assert len(signed) == 1
    content = signed[0].content
    text = json.loads(content)
    inner = text.get("dsseEnvelope")
    payload = base64.b64decode(inner["payload"]) if inner else content
    for place in range(0, len(payload), 7):
        changed = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        if inner:
            changed = json.dumps(
                text | {"dsseEnvelope": inner | {"payload": base64.b64encode(changed).decode()}}
            ).encode()
        one = only(image, signed[0], changed)
        assert trust({**image, "blobs": one}, key).outcome == "not trusted"


def only(image: dict, blob: Blob, content: bytes = b"") -> list[dict]:
    return [
        one | ({"content": base64.b64encode(content).decode()} if content else {})
        for one in image["blobs"]
        if base64.b64decode(one["content"]) == blob.content
    ]
