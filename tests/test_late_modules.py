"""Modules that stand in for others."""

import sys

import pytest

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
