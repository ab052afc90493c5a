"""One entry to everything that has to be rendered before it can be judged: charts and kustomizations."""

from collections.abc import Callable
from pathlib import Path

from leadline.sources.helm import read_charts
from leadline.sources.kustomize import read_kustomizations
from leadline.sources.ownership import plan_ownership
from leadline.sources.rendered import Rendered, RenderOptions, joined


def read_rendered(
    root: Path, options: RenderOptions, is_excluded: Callable[[str], bool] | None = None
) -> Rendered:
    """All charts and kustomizations at or below ``root``: a folder, a chart archive or a kustomization file.

    The plain reader is to leave out ``claimed``. ``is_excluded`` gets paths relative to ``root``, those of
    folders with a slash at their end.

    Raises:
        UsageError: a values file does not exist.
    """
    plan = plan_ownership(root, is_excluded)
    shown = str(root if root.is_dir() else root.parent)
    return joined((read_charts(plan, options, shown), read_kustomizations(plan, options, shown)))
