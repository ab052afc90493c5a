"""Checkpoints open by their key and name, and by nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leadline.api.provider.note import Checkpoint, NoteError, Verifier, signed, verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
CHECKPOINT = Checkpoint("provider.example/default/shop", 7, bytes(32))
NOTE = signed(CHECKPOINT, "provider.example", KEY)


def test_a_checkpoint_is_read_back():
    assert Verifier("provider.example", PUBLIC).opened(NOTE) == CHECKPOINT


def test_the_note_has_the_form_of_the_specification():
    text, mark = NOTE.split("\n\n")
    assert text.splitlines() == ["provider.example/default/shop", "7", "A" * 43 + "="]
    assert mark.startswith("— provider.example ")
    assert NOTE.endswith("\n")


def test_a_key_is_written_and_read_as_one_line():
    own = Verifier("provider.example", PUBLIC)
    assert verifier(own.line) == own


def test_any_other_byte_is_refused():
    own = Verifier("provider.example", PUBLIC)
    for at in range(len(NOTE)):
        changed = NOTE[:at] + ("x" if NOTE[at] != "x" else "y") + NOTE[at + 1 :]
        with pytest.raises(NoteError):
            own.opened(changed)


@pytest.mark.parametrize(
    "other",
    [
        Verifier("another.example", PUBLIC),
        Verifier("provider.example", Ed25519PrivateKey.generate().public_key().public_bytes_raw()),
    ],
)
def test_another_key_or_name_opens_nothing(other: Verifier):
    with pytest.raises(NoteError):
        other.opened(NOTE)


@pytest.mark.parametrize(
    "line", ["", "name", "name+00000000+AAAA", "+1+2", Verifier("a", PUBLIC).line[:-4], "x" * 5000]
)
def test_what_is_no_key_is_refused(line: str):
    with pytest.raises(NoteError):
        verifier(line)


@pytest.mark.parametrize("note", ["", "\n\n", "a\n1\nb\n\n— provider.example !!!\n", "x" * 10_000])
def test_what_is_no_note_is_refused(note: str):
    with pytest.raises(NoteError):
        Verifier("provider.example", PUBLIC).opened(note)
