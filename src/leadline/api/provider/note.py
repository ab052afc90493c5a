"""Checkpoints: size and root of a log as a signed note, as C2SP specifies both (tlog-checkpoint, signed-note; Ed25519)."""

import base64
import binascii
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

_ED25519 = b"\x01"
_ID_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_DASH = "—"
_LONGEST = 4_096


class NoteError(ValueError):
    """Not a checkpoint of that log, signed by that key."""


class Checkpoint(Struct, frozen=True):
    origin: str
    """The name of the log; no white space and no ``+``."""
    size: int
    """In entries."""
    root: bytes


class Verifier(Struct, frozen=True):
    """A public key and the name that it signs as."""

    name: str
    public: bytes

    @property
    def line(self) -> str:
        """As ``NAME+ID+KEY``, the form of a signed note's verifier key."""
        packed = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{_key_id(self.name, self.public).hex()}+{packed}"

    def opened(self, note: str) -> Checkpoint:
        """Raises: ``NoteError``."""
        if len(note) > _LONGEST:
            raise NoteError("the checkpoint is too long")
        text, _, marks = note.rpartition("\n\n")
        if not marks.endswith("\n"):
            raise NoteError("the checkpoint ends early")
        text += "\n"
        for line in marks.removesuffix("\n").split("\n"):
            words = line.split(" ")
            if len(words) == 3 and words[:2] == [_DASH, self.name]:
                return self._checked(text, words[2])
        raise NoteError(f"the checkpoint is not signed by {self.name}")

    def _checked(self, text: str, mark: str) -> Checkpoint:
        raw = _decoded(mark, _ID_BYTES + _SIGNATURE_BYTES)
        if raw[:_ID_BYTES] != _key_id(self.name, self.public):
            raise NoteError(f"the checkpoint is signed by another key of {self.name}")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw[_ID_BYTES:], text.encode())
        except InvalidSignature as error:
            raise NoteError("the signature of the checkpoint does not fit") from error
        origin, size, root = text.split("\n")[:3]
        return Checkpoint(origin, int(size), _decoded(root, _KEY_BYTES))


def verifier(line: str) -> Verifier:
    """The key of ``NAME+ID+KEY``. Raises: ``NoteError``."""
    name, _, rest = line.strip().partition("+")
    identity, _, packed = rest.partition("+")
    raw = _decoded(packed, 1 + _KEY_BYTES)
    public = raw[1:]
    if not name or raw[:1] != _ED25519 or identity != _key_id(name, public).hex():
        raise NoteError("not an Ed25519 key as NAME+ID+KEY")
    return Verifier(name, public)


def signed(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey) -> str:
    root = base64.b64encode(checkpoint.root).decode()
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"
    mark = _key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n{_DASH} {name} {base64.b64encode(mark).decode()}\n"


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES]


def _decoded(text: str, width: int) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not Base64") from error
    if base64.b64encode(raw).decode() != text:
        # Bits beyond the last byte: two texts for one value.
        raise NoteError("not canonical Base64")
    if len(raw) != width:
        raise NoteError(f"{len(raw)} bytes where {width} are due")
    return raw
