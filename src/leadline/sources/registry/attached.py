"""What is attached to an image in its registry."""

from msgspec import Struct

from leadline.packages.reference import Reference
from leadline.sources.oci.attached import Attachments, attachments_in
from leadline.sources.oci.manifest import Descriptor
from leadline.sources.registry.client import MissingError, Repository, repositories
from leadline.sources.registry.options import RegistryOptions


def attachments_of(reference: Reference, options: RegistryOptions) -> Attachments:
    """Every blob that is attached to what ``reference`` names.

    Raises: ``RegistryError`` where the registry does not say, so that nothing is taken for unsigned that was not looked at.
    """
    # A mirror need not have what is attached: the registry itself is asked.
    *_, repository = repositories(reference, options)
    _, digest = repository.manifest(reference.wanted)
    return attachments_in(_Registry(repository), digest)


class _Registry(Struct, frozen=True):
    repository: Repository

    def manifest(self, wanted: str) -> bytes | None:
        try:
            return self.repository.manifest(wanted)[0]
        except MissingError:
            return None

    def referrers(self, digest: str) -> bytes | None:
        try:
            return self.repository.referrers(digest)
        except MissingError:
            return None

    def blob(self, descriptor: Descriptor) -> bytes | None:
        try:
            return self.repository.blob(descriptor)
        except MissingError:
            return None
