"""One entry to everything that has to be rendered before it can be judged: charts and kustomizations."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from leadline.sources.confinement import Modes, offered_modes
from leadline.sources.manifests.ignore import IgnoreRules, ignore_rules
from leadline.sources.manifests.ignore_files import IgnoreFiles, present_ignore_files
from leadline.sources.rendering.helm.charts import read_charts
from leadline.sources.rendering.kustomize.build import read_kustomizations
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.file_owner import plan_ownership
from leadline.sources.rendering.plan.result import (
    Rendered,
    RenderOptions,
    all_of,
)
from leadline.sources.rendering.unrendered import unrendered


def with_one_budget(options: RenderOptions) -> RenderOptions:
    """``options`` with which all roots of one scan together may cost what one alone may."""
    return structs.replace(options, budget=Budget(options.total_s, options.total_bytes))


def read_rendered(
    root: Path,
    options: RenderOptions,
    ignore: Sequence[str] = (),
    *,
    ignore_files: IgnoreFiles = present_ignore_files,
) -> Rendered:
    """All charts and kustomizations at or below ``root``: a folder, a chart archive or a kustomization file.

    The plain reader is to leave out ``claimed``. ``ignore`` holds rules that follow those of the ignore
    files in ``root``, as for plain manifests.

    Raises:
        UsageError: a values file does not exist.
    """
    top = root if root.is_dir() else root.parent
    rules = ignore_rules([*ignore_files(str(top)), *ignore]) if root.is_dir() else IgnoreRules()
    plan = plan_ownership(root, lambda path: rules.ignores(path.rstrip("/"), is_folder=path.endswith("/")))
    shown = str(top)
    starts_renderers = options.is_allowed and bool(plan.charts or plan.roots)
    modes = options.modes or (_offered(options) if starts_renderers else Modes())
    options = structs.replace(options, modes=modes)
    budget = options.budget or Budget(options.total_s, options.total_bytes)
    parts = (read_charts(plan, options, shown, budget), read_kustomizations(plan, options, shown, budget))
    rendered = all_of(parts)
    named, turned_off = unrendered(plan, rendered, options.kept)
    return structs.replace(
        rendered,
        unread=(*rendered.unread, *named),
        left_out=(*rendered.left_out, *turned_off),
        modes=modes if starts_renderers else None,
    )


def _offered(options: RenderOptions) -> Modes:
    return options.kept.once("modes", offered_modes) if options.kept else offered_modes()
