"""What a scan of several images found: a report for each image, and the workloads that run it."""

from collections.abc import Mapping

from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.model.report import Target
from leadline.model.unread import Unread
from leadline.model.waiver import WaiverUse


class ImageUse(Struct, frozen=True):
    """A container that runs an image."""

    resource: str
    """The id of the object that the container is in."""
    title: str
    """``namespace/Kind/name``, the way people are shown that object."""
    container: str
    """Its name; empty for what runs an image and is not a container, such as a volume of an image."""
    exposed_by: tuple[str, ...] = ()
    """Titles of what leads to the object from outside the cluster, where such objects were read."""


class ScannedImage(Struct, frozen=True):
    """One image, whatever number of names leads to it."""

    names: tuple[str, ...]
    """As they were asked for or are in the objects; at least one."""
    report: ImageReport
    uses: tuple[ImageUse, ...] = ()
    accepted_by: Mapping[str, tuple[int, ...]] = {}
    """For objects that accept more than all that run the image do, by id: the positions of these vulnerabilities in the report."""

    @property
    def exposed_by(self) -> tuple[str, ...]:
        """What leads to it from outside the cluster."""
        return tuple(dict.fromkeys(way for use in self.uses for way in use.exposed_by))


class UnreadImage(Struct, frozen=True):
    """An image that is asked for or in use, and could not be read."""

    unread: Unread
    """``where`` is its name."""
    uses: tuple[ImageUse, ...] = ()


class ImagesReport(Struct, frozen=True, tag_field="type", tag="images"):
    """Every image once, the worst first."""

    images: tuple[ScannedImage, ...]
    failed: tuple[UnreadImage, ...] = ()
    target: Target | None = None
    """What the images were found in; ``None`` where they were named one by one."""
    objects: int = 0
    """Objects that were searched for images."""
    unread: tuple[Unread, ...] = ()
    """What of ``target`` could not be read, so that images in it are not known."""
    left_out: tuple[Unread, ...] = ()
    """What of ``target`` was passed over by choice."""
    waivers: tuple[WaiverUse, ...] = ()
    """Every waiver that was looked at, and what became of it over all images."""
