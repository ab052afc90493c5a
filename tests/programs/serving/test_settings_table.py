"""One field of a struct is a flag, a variable, a key of a file and a property of the schema."""

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.programs.serving.settings_table import SettingsTable, choice


class Times(Struct, frozen=True, rename="camel"):
    every_s: Annotated[float, Meta(gt=0, description="Seconds between two looks.")] = 60.0


class Program(Struct, frozen=True, rename="camel"):
    least: Annotated[str, choice("What is reported.", "high", "low")] = "high"
    times: Times = Times()


TABLE = SettingsTable(Program, "LEADLINE_X_", "least: low")


def test_every_setting_is_a_flag_a_variable_and_a_property():
    assert [flag.opts for flag in TABLE.flags()] == [["--least"], ["--times-every-s"]]
    assert TABLE.read("", {"LEADLINE_X_TIMES_EVERY_S": "5"}, {"least": "low"}) == Program("low", Times(5.0))
    properties = TABLE.schema()["$defs"]["Program"]["properties"]
    assert properties["least"] == {
        "description": "What is reported.",
        "enum": ["high", "low"],
        "type": "string",
        "default": "high",
    }
    assert TABLE.schema()["$defs"]["Times"]["properties"]["everyS"]["exclusiveMinimum"] == 0


def test_a_word_that_is_not_offered_is_refused_with_those_that_are():
    with pytest.raises(UsageError, match="least: grave is none of high, low"):
        TABLE.read("", {}, {"least": "grave"})
