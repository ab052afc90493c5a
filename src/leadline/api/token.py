"""Continue tokens: which snapshot a list shows, and after which object the next page begins."""

import base64
import binascii

import msgspec

from leadline.api.protocol import TokenError

MAX_TOKEN_LENGTH = 2048
START = frozenset({"", "0"})
"""Existing clients ask for the first page with ``continue=0``."""

Position = tuple[int, str, str]
"""Revision, namespace, name."""


def write_token(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def read_token(token: str) -> Position | None:
    """``None`` for the start of a list.

    Raises: ``TokenError``.
    """
    if token in START:
        return None
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenError
    try:
        position: Position = msgspec.json.decode(base64.urlsafe_b64decode(token), type=Position)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise TokenError from error
    if position[0] < 0:
        raise TokenError
    return position
