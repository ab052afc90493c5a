"""What one file of a layer tells on its own."""

from collections.abc import Iterable

from leadline.image.cataloguer import File, Package, Unread
from leadline.image.layer_facts import PathFacts
from leadline.image.secrets import secrets_in
from leadline.image.walk import read
from leadline.image.wishes import Wishes

SPECIAL_BITS = 0o6000
"""Set-uid and set-gid."""


def told(
    wishes: Wishes, file: File, readers: Iterable[int], is_kept: bool, may_tell: bool
) -> PathFacts | None:
    """What ``file`` says on its own; ``None`` where that is nothing worth a note."""
    packages: list[Package] = []
    unread: list[Unread] = []
    for position in readers:
        one = wishes.cataloguers[position]
        if not one.takes_tree:
            reading = read(one, file, None)
            packages += reading.packages
            unread += reading.unread
    secrets = tuple(secrets_in(file.path, file.data)) if may_tell else ()
    content = file.data if is_kept else None
    if not (packages or unread or secrets or is_kept or file.mode & SPECIAL_BITS):
        return None
    return PathFacts(file.mode, content, tuple(packages), tuple(unread), secrets)
