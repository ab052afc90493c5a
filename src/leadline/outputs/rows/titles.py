"""What objects are called, where several that were rendered apart would read the same."""

from collections.abc import Callable

from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.text.plain import plain


def titles_of(report: PostureReport) -> Callable[[Resource], str]:
    """Names each resource of ``report``: ``shop/Deployment/web``, or ``shop/Deployment/web (overlays/prod)``.

    The chart or overlay is named only where the same object came out of another one as well.
    """
    if report.charts + report.kustomizations < 1:
        return _plain_title
    sources: dict[str, set[str]] = {}
    for resource in report.resources:
        sources.setdefault(resource.title, set()).add(resource.origin.rendering)
    shared = {title for title, places in sources.items() if len(places) > 1}
    if not shared:
        return _plain_title

    def title(resource: Resource) -> str:
        source = resource.origin.rendering
        name = _plain_title(resource)
        return f"{name} ({plain(source)})" if source and resource.title in shared else name

    return title


def _plain_title(resource: Resource) -> str:
    return plain(resource.title)
