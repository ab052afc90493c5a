"""Which objects verdicts are wanted of. All objects take part in the joins: a policy elsewhere still counts."""

from collections.abc import Callable, Iterable

import msgspec

from leadline.errors import UsageError
from leadline.kube.kinds import SHORT_NAMES, plural_of
from leadline.model.resource import Resource
from leadline.posture.verdicts import Judgement
from leadline.scans.options import PostureOptions


def selected(options: PostureOptions, judgement: Judgement) -> Judgement:
    """``judgement`` of what the options choose alone.

    Raises: ``UsageError`` where the one workload that they name is not there.
    """
    wanted = (
        _is_workload(options.workload, judgement.resources) if options.workload else in_namespaces(options)
    )
    if wanted is None:
        return judgement
    kept = {resource.id for resource in judgement.resources if wanted(resource)}
    return msgspec.structs.replace(
        judgement,
        findings=tuple(f for f in judgement.findings if f.resource in kept),
        judged=tuple(
            ids if resource.id in kept else ()
            for resource, ids in zip(judgement.resources, judgement.judged, strict=True)
        ),
        gave_up={id: skips for id, skips in judgement.gave_up.items() if id in kept},
        passes={id: rows for id, rows in judgement.passes.items() if id in kept},
    )


def in_namespaces(options: PostureOptions) -> Callable[[Resource], bool] | None:
    """Whether the options choose the namespace of an object; ``None`` where they do not choose."""
    include, exclude = frozenset(options.include_namespaces), frozenset(options.exclude_namespaces)
    if not include and not exclude:
        return None

    def in_namespace(resource: Resource) -> bool:
        namespace = resource.name if resource.kind == "Namespace" else resource.namespace
        if not namespace:
            return not include
        return (not include or namespace in include) and namespace not in exclude

    return in_namespace


def split_workload(name: str) -> tuple[str, str, str]:
    """``[namespace/]Kind/name`` as namespace, kind and name.

    Raises: ``UsageError`` where it is written otherwise.
    """
    *namespace, kind, plain_name = name.split("/") if name.count("/") in (1, 2) else ("", "", "")
    if not kind or not plain_name:
        raise UsageError(
            f"{name} names no workload", hint="write it as namespace/Kind/name, shop/Deployment/web"
        )
    return namespace[0] if namespace else "", kind, plain_name


def _is_workload(name: str, resources: Iterable[Resource]) -> Callable[[Resource], bool]:
    """Objects that ``[namespace/]Kind[.version[.group]]/name`` means; ``deployments.apps`` and ``deploy`` do as well.

    Raises: ``UsageError`` where there is none, with the nearest.
    """
    namespace, kind, plain_name = split_workload(name)
    kind, _, version = kind.partition(".")
    kind = SHORT_NAMES.get(kind.lower(), kind.lower())

    def is_it(resource: Resource) -> bool:
        return (
            kind in (resource.kind.lower(), plural_of(resource.kind))
            and resource.name == plain_name
            and (not namespace or (resource.namespace or "default") == namespace)
            and (not version or version == resource.group or _version_of(resource).startswith(version))
        )

    if not any(is_it(resource) for resource in resources):
        from difflib import get_close_matches  # only for a name that is wrong

        near = get_close_matches(name, [r.title for r in resources], n=1)
        raise UsageError(f"no object {name}", hint=f"did you mean {near[0]}?" if near else "")
    return is_it


def _version_of(resource: Resource) -> str:
    """``v1.apps`` for ``apps/v1``."""
    group, _, version = resource.api_version.rpartition("/")
    return f"{version}.{group}" if group else version
