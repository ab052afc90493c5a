"""What stands in for modules while click and msgspec are imported."""

import difflib
import inspect
import json
import subprocess
import sys
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.programs.cli import lean_libraries
from leadline.programs.cli.lean_libraries import LIBRARIES, LateModule, in_place_of

START = "import sys\nfrom leadline.programs.cli.lean_libraries import import_libraries\n"
STOOD_IN_FOR = (
    "gettext",
    "inspect",
    "ipaddress",
    "msgspec.inspect",
    "platform",
    "textwrap",
    "typing_extensions",
    "urllib.parse",
)


def printed(script: str) -> object:
    """What a process of its own prints, as JSON: here click and msgspec have long been imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"{START}import json\n{script}"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_libraries_are_imported_without_what_commands_do_not_use():
    script = f"""
import_libraries()
real = {{name for name, module in sys.modules.items() if type(module).__name__ != "LateModule"}}
print(json.dumps(sorted(real & set({(*STOOD_IN_FOR, *LIBRARIES)!r}))))
"""
    assert printed(script) == sorted(LIBRARIES)


def test_what_was_stood_in_for_is_found_by_whatever_needs_it():
    script = """
import_libraries()
import click, msgspec, inspect, typing_extensions, platform, textwrap
from urllib.parse import urlsplit
from typing import Annotated

@click.command(epilog="one\\n  two", help="First.\\n\\n    Second.")
@click.option("--id", type=click.UUID, help="An id.")
@click.option("--again", default=lambda: "x", show_default=True, help=\"\"\"Long,

    in paragraphs.\"\"\")
def command(id, again):
    print(json.dumps([str(id), inspect.isfunction(command.callback), bool(platform.system())]))

with command.make_context("c", ["--help"], resilient_parsing=True) as context:
    assert "Second." in command.get_help(context) and "in paragraphs." in command.get_help(context)
from pathlib import Path
from msgspec.inspect import IntType, type_info
assert isinstance(type_info(int), IntType) and isinstance(msgspec.inspect.type_info(int), IntType)
assert Path("/a b").as_uri() == "file:///a%20b"
assert urlsplit("https://[::1]:5000/").hostname == "::1"
try:
    urlsplit("https://[v]/")
except ValueError:
    pass
else:
    raise AssertionError
assert msgspec.json.schema(Annotated[int, msgspec.Meta(description=" a\\n b")])["description"]
command.main(["--id", "12345678123456781234567812345678"])
"""
    assert printed(script) == ["12345678-1234-5678-1234-567812345678", True, True]


def test_what_is_imported_already_is_not_stood_in_for():
    script = """
import inspect, gettext, platform, textwrap, typing_extensions
before = [inspect, gettext, platform, textwrap, typing_extensions]
import_libraries()
import click.core
print(json.dumps([click.core.inspect is inspect, before == [sys.modules[one.__name__] for one in before]]))
"""
    assert printed(script) == [True, True]


@given(st.text("ab \t\n"))
def test_help_is_cleaned_as_inspect_cleans_it(text: str):
    assert lean_libraries._cleandoc(text) == inspect.cleandoc(text)


@given(st.binary() | st.from_regex(rb"[a-zA-Z0-9/._~-]*", fullmatch=True))
def test_paths_are_quoted_as_addresses_have_them(path: bytes):
    assert lean_libraries._quoted(path) == quote_from_bytes(path)


@given(st.integers(0, 3))
def test_counted_messages_are_as_gettext_has_them_without_a_translation(number: int):
    import gettext

    assert lean_libraries._counted("one", "several", number) == gettext.NullTranslations().ngettext(
        "one", "several", number
    )


WORDS = st.text("-abq", max_size=8)


@given(WORDS, st.lists(WORDS, max_size=6))
def test_near_words_are_those_that_difflib_finds(word: str, words: list[str]):
    assert lean_libraries._close_matches(word, words) == difflib.get_close_matches(word, words)


def test_short_flags_need_no_search_for_near_words_and_wrong_ones_get_it():
    script = """
import_libraries()
import click

@click.command()
@click.option("-q", "--quiet", is_flag=True)
@click.option("--db")
def command(quiet, db):
    return [quiet, type(sys.modules["difflib"]).__name__]

def near(word):
    try:
        command.make_context("c", [word])
    except click.NoSuchOption as error:
        return error.possibilities

with command.make_context("c", ["-q"]) as context:
    found = command.invoke(context)
wrong = near("--quite")
import difflib
print(json.dumps([found, wrong, type(sys.modules["difflib"]).__name__, bool(difflib.unified_diff)]))
"""
    assert printed(script) == [[True, "LateModule"], ["--quiet"], "module", True]


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
