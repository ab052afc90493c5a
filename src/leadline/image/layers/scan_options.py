"""How the layers of one image are read, and what they have taken of memory so far."""

from msgspec import Struct, field

from leadline.image.image import Limits
from leadline.image.layers.file_selector import Wishes
from leadline.image.layers.memory_budget import Room


class Reader(Struct, frozen=True):
    wishes: Wishes
    limits: Limits = Limits()
    room: Room = field(default_factory=Room)
    with_digests: bool = False
    """Whether the checksums of the files that tell something are wanted."""
