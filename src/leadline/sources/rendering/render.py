"""One entry to everything that has to be rendered before it can be judged: charts and kustomizations."""

from collections.abc import Sequence
from pathlib import Path

from leadline.sources.manifests.files import IGNORE_FILES
from leadline.sources.manifests.ignore import IgnoreRules, ignore_rules
from leadline.sources.rendering.file_owner import plan_ownership
from leadline.sources.rendering.helm.charts import read_charts
from leadline.sources.rendering.kustomize.build import read_kustomizations
from leadline.sources.rendering.result import Rendered, RenderOptions, joined

_IGNORE_FILE_BYTES = 1 << 20


def read_rendered(root: Path, options: RenderOptions, ignore: Sequence[str] = ()) -> Rendered:
    """All charts and kustomizations at or below ``root``: a folder, a chart archive or a kustomization file.

    The plain reader is to leave out ``claimed``. ``ignore`` holds rules that follow those of the ignore
    files in ``root``, as for plain manifests.

    Raises:
        UsageError: a values file does not exist.
    """
    top = root if root.is_dir() else root.parent
    rules = ignore_rules([*_ignore_lines(top), *ignore]) if root.is_dir() else IgnoreRules()
    plan = plan_ownership(root, lambda path: rules.ignores(path.rstrip("/"), is_folder=path.endswith("/")))
    shown = str(top)
    return joined((read_charts(plan, options, shown), read_kustomizations(plan, options, shown)))


def _ignore_lines(folder: Path) -> list[str]:
    """An ignore file that cannot be read is named by the plain reader."""
    lines: list[str] = []
    for name in IGNORE_FILES:
        try:
            with (folder / name).open("rb") as file:
                lines += file.read(_IGNORE_FILE_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            continue
    return lines
