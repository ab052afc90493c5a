"""What files say of nodes and of the cluster, beside what was read of a target."""

from collections.abc import Iterator

from msgspec.structs import replace

from leadline.model.report import Target
from leadline.model.resource import CLUSTER, Origin, Resource
from leadline.model.unread import Unread
from leadline.posture.fact_kinds import CLOUD_OF
from leadline.posture.index import kind_name
from leadline.scans.options import PostureOptions
from leadline.scans.posture.file_source import read_files
from leadline.scans.posture.reading import Reading
from leadline.sources.cloud.descriptions import read_description
from leadline.sources.manifests.positions import FilePlaces


def facts_alone(options: PostureOptions) -> Reading:
    """The facts as a target of their own. Raises: ``ManifestError`` for a file that does not exist."""
    names = " ".join((*options.host_facts, *options.cloud_facts))
    return with_given_facts(Reading(Target("file", names), (), FilePlaces()), options)


def with_given_facts(reading: Reading, options: PostureOptions) -> Reading:
    """``reading`` with the facts in it. Raises: ``ManifestError`` for a file that does not exist."""
    is_cluster = reading.target.kind == "cluster"
    taken = {resource.id for resource in reading.resources}
    added: list[Resource] = []
    unread: list[Unread] = []
    files = 0
    if options.host_facts:
        read = read_files(options.host_facts, PostureOptions(use_target_waivers=False))
        unread += read.unread
        files += read.files
        for resource in _as_of(read.resources, CLUSTER if is_cluster else None):
            # A static Pod that the cluster showed is the same one.
            if resource.id not in taken:
                taken.add(resource.id)
                added.append(resource)
    clouds: set[str] = set()
    for path in options.cloud_facts:
        found = read_description(path)
        if isinstance(found, Unread):
            unread.append(found)
            continue
        files += 1
        clouds.add(CLOUD_OF[kind_name(found)])
        added += _as_of((found,), CLUSTER if is_cluster else None)
    target = reading.target
    if len(clouds) == 1 and not target.cloud:
        target = replace(target, cloud=clouds.pop())
    return replace(
        reading,
        target=target,
        resources=(*reading.resources, *added),
        unread=(*reading.unread, *unread),
        files=reading.files + files,
    )


def _as_of(resources: tuple[Resource, ...], origin: Origin | None) -> Iterator[Resource]:
    """``resources`` as if they had come from ``origin``, so that they join with what was read there."""
    for resource in resources:
        if origin is None:
            yield resource
        else:
            yield Resource(
                resource.api_version, resource.kind, resource.namespace, resource.name, resource.body, origin
            )
