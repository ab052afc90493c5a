"""Modules that stand in for others."""

import datetime
import subprocess
import sys

import pytest

import leadline.sources.yaml
from leadline.late_modules import LateModule, in_place_of


def test_a_late_module_has_what_it_was_given_and_finds_the_rest():
    late = LateModule("colorsys", given=1)
    assert (late.given, late.rgb_to_hls(0, 0, 0)) == (1, (0.0, 0.0, 0.0))
    with pytest.raises(AttributeError):
        late.absent  # noqa: B018


def test_a_stand_in_leaves_when_the_module_is_wanted_and_when_the_block_ends():
    sys.modules.pop("colorsys", None)
    late = LateModule("colorsys")
    with in_place_of({"colorsys": late, "sys": LateModule("sys"), "absent_module": None}):
        assert sys.modules["colorsys"] is late
        assert sys.modules["sys"] is sys
        assert late.hls_to_rgb
        assert sys.modules["colorsys"] is not late
    with pytest.raises(ModuleNotFoundError), in_place_of({"colorsys": LateModule("colorsys"), "stat_": None}):
        import stat_  # type: ignore[import-not-found]  # noqa: F401
    assert "stat_" not in sys.modules


def test_yaml_compiles_no_pattern_before_it_is_used_and_does_what_it_did():
    import yaml

    assert leadline.sources.yaml
    value = {"a": datetime.date(2020, 1, 1), "b": [1, 2.5, None, True, "yes", "0x1f", "é\x07"], "c": "1:30"}
    assert yaml.safe_load(yaml.safe_dump(value)) == value
    with pytest.raises(yaml.reader.ReaderError):
        yaml.safe_load("a: \x01")
    script = (
        "import sys, re\nimport leadline.sources.yaml, yaml\n"
        "print(sys.modules['re'] is re, isinstance(yaml.reader.Reader.NON_PRINTABLE, re.Pattern))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
