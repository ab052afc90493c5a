"""JSON of unknown origin, refused before it takes more memory than there is."""

import orjson

from leadline.errors import SourceError

MOST_VALUES = 16_000_000
"""Each takes up to 160 bytes in memory. Documents of 400 MiB about true images have fewer."""


def parsed(content: bytes, name: str, most: int = MOST_VALUES) -> object:
    """The one value in ``content``; ``name`` is what messages call it.

    Raises:
        SourceError: it holds too many values.
        orjson.JSONDecodeError: it is not JSON, or more than one value.
    """
    # Every value but the first follows one of these; commas within texts count too, which true documents afford.
    if sum(map(content.count, (b",", b"{", b"["))) > most:
        raise SourceError(
            f"{name} holds more than {most:,} values", hint="no image does; scan the image itself"
        )
    value: object = orjson.loads(content)
    return value
