"""What a folder offers is found by its files being there."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from leadline.discover import discover, members
from leadline.model.control import Control
from leadline.posture import controls


class Part:
    """Stands for a control, a cataloguer, a format."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(tmp_path)
    files = {
        "__init__.py": "from test_discover import Part\nHIDDEN = Part('of the folder itself')\n",
        "beta.py": "from test_discover import Part\nSECOND = Part('beta 1')\nTHIRD = Part('beta 2')\nOTHER = 'text'\n",
        "alpha.py": "from test_discover import Part\nFIRST = Part('alpha')\n",
        "notes.txt": "Part",
        "below/__init__.py": "",
        "below/gamma.py": "from test_discover import Part\nONE = Part('gamma')\n",
        "below/deeper/delta.py": "from test_discover import Part\nONE = Part('delta')\n",
        "__pycache__/epsilon.py": "raise AssertionError('imported')\n",
        "not-a-name/zeta.py": "raise AssertionError('imported')\n",
    }
    for name, text in files.items():
        path = tmp_path / "offers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    importlib.invalidate_caches()
    yield importlib.import_module("offers")
    for name in [name for name in sys.modules if name.partition(".")[0] == "offers"]:
        del sys.modules[name]


def test_every_value_of_the_kind_is_found_in_the_order_of_modules(package):
    assert [part.name for part in discover(package, Part)] == ["alpha", "delta", "gamma", "beta 1", "beta 2"]


def test_modules_that_are_not_wanted_are_not_imported(package):
    assert [part.name for part in discover(package, Part, ("beta",))] == ["alpha", "delta", "gamma"]
    assert "offers.beta" not in sys.modules


def test_other_kinds_are_left(package):
    assert [value for value in discover(package, str) if value == "text"] == ["text"]
    assert discover(package, bytes) == []


def test_a_module_that_cannot_be_imported_is_no_silent_gap(package, tmp_path):
    (tmp_path / "offers" / "broken.py").write_text("import nothing_of_that_name\n")
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        discover(package, Part)


def test_each_file_below_controls_offers_one_control_at_least():
    modules = {module for module, _, _ in members(controls, Control)}
    folder = Path(controls.__path__[0])
    files = {
        ".".join((controls.__name__, *path.relative_to(folder).with_suffix("").parts))
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }
    assert modules == files
