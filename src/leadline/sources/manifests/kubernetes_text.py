"""Whether a text that cannot be read may hold Kubernetes objects: it then is unread, else it is the file of another program.

Settings of editors, playbooks, test data and values of charts are YAML and JSON as well, often with a syntax of their own.
kubectl takes nothing without ``kind``, and without ``apiVersion`` only what is of the core group, unvalidated: that has
``metadata`` and a ``spec``. A text that has not these holds nothing to be judged.
"""

import re
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_LARGEST_SEARCHED = 1 << 30
"""Bytes of a file that is too large to be read; beyond, it may hold anything."""
_TOP_KEY = re.compile(rb"""^(?:-[ ]{1,9})?['"]?(?:apiVersion|kind)['"]?[ \t]{0,9}:""", re.MULTILINE)
_INCLUDES = re.compile(rb"^[ \t]{0,9}\{\{-?[ \t]{0,9}(?:include|template|tpl|toYaml)\b", re.MULTILINE)
_ESCAPE = re.compile(
    rb"\\(?:x([0-9a-f]{2})|u00([0-9a-f]{2})|U000000([0-9a-f]{2})|\r?\n[ \t]{0,99})", re.IGNORECASE
)
_HIDDEN = (b"\0GITCRYPT\0", b"!!binary", b"yaml.org,2002:binary")
"""What may say anything in a form that is not looked into: an encrypted file, keys in Base64."""
_TYPE, _KIND = b"apiversion", b"kind"
_PARTS = (b"metadata", b"spec")


def may_hold_objects(text: bytes, *, is_template: bool = False) -> bool:
    """Whether ``text`` names a type and a kind, however it is written, or begins with one of them.

    ``is_template``: it lies in a chart's folder of templates, where a line may include whole objects.
    """
    # Text of two or four bytes a character has zeros between its letters.
    plain = text.replace(b"\0", b"")
    words = (_ESCAPE.sub(_letter, plain) if b"\\" in plain else plain).lower()
    if _KIND in words and (_TYPE in words or all(part in words for part in _PARTS)):
        return True
    if _TOP_KEY.search(plain) or any(mark in text for mark in _HIDDEN):
        return True
    return is_template and _INCLUDES.search(plain) is not None


def may_hold_objects_far_down(stream: BinaryIO) -> bool:
    """The same for a file that is too large to be read: whether a type is named anywhere in it."""
    searched, end = 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        if _TYPE in (end + chunk).replace(b"\0", b"").lower():
            return True
        searched += len(chunk)
        if searched > _LARGEST_SEARCHED:
            return True
        end = chunk[-4 * len(_TYPE) :]
    return False


def _letter(match: re.Match[bytes]) -> bytes:
    digits = next(filter(None, match.groups()), b"")
    return bytes((int(digits, 16),)) if digits else b""
