"""Bodies as they are stored: zstd, with a dictionary trained on the kind once enough of its bodies are there."""

from collections.abc import Callable, Sequence

import zstandard

DICTIONARY_BYTES = 64 * 2**10
SAMPLES = 150
ENOUGH_SAMPLES = 100
"""A dictionary trained on fewer does not help."""
LARGEST_SAMPLE = 32 * 2**10
LARGEST_BODY = 512 * 2**20
_LEVEL = 3
_TRAINING = {"k": 256, "d": 8, "f": 18}
"""Of several that were tried on stored scans: the library's own choice takes four times as long and three times the
memory, for a dictionary that packs worse.
"""

DictionaryOf = Callable[[int], bytes]
"""The content of a stored dictionary."""


class Packer:
    """Not for use in two threads at a time. Dictionary 0 is none."""

    def __init__(self, dictionary_of: DictionaryOf) -> None:
        self._dictionary_of = dictionary_of
        self._compressors: dict[int, zstandard.ZstdCompressor] = {}
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def pack(self, body: bytes, dictionary: int) -> bytes:
        compressor = self._compressors.get(dictionary)
        if compressor is None:
            trained = self._trained(dictionary)
            # Without the checksum, flipped bits of a body would come out as another body.
            compressor = zstandard.ZstdCompressor(_LEVEL, dict_data=trained, write_checksum=True)
            self._compressors[dictionary] = compressor
        return compressor.compress(body)

    def unpack(self, packed: bytes, dictionary: int) -> bytes:
        """Raises: ``zstandard.ZstdError`` where the bytes are damaged."""
        decompressor = self._decompressors.get(dictionary)
        if decompressor is None:
            trained = self._trained(dictionary)
            decompressor = self._decompressors[dictionary] = zstandard.ZstdDecompressor(dict_data=trained)
        return decompressor.decompress(packed, max_output_size=LARGEST_BODY)

    def _trained(self, dictionary: int) -> zstandard.ZstdCompressionDict | None:
        if not dictionary:
            return None
        trained = zstandard.ZstdCompressionDict(self._dictionary_of(dictionary))
        trained.precompute_compress(_LEVEL)
        return trained


def train(samples: Sequence[bytes]) -> bytes:
    """A dictionary; empty where the samples have nothing in common that is worth one."""
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, list(samples), **_TRAINING).as_bytes()
    except zstandard.ZstdError:
        return b""
