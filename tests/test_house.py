"""The rules of the house that no other tool checks."""

import ast
import gc
import re
import tomllib
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "leadline"
FILES = sorted(SOURCE.rglob("*.py"))

NO_NAMES = frozenset(
    {
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "base",
        "core",
        "misc",
        "manager",
        "handler",
        "processor",
    }
    | {"data", "info", "object", "objects", "v1", "v2"}
)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    # The collector would walk all trees that are kept, again and again, and find nothing.
    gc.disable()
    try:
        return ast.parse(path.read_text("utf-8"))
    finally:
        gc.enable()


def test_the_files_are_found():
    assert len(FILES) > 300


def test_no_two_files_of_tests_have_the_same_name():
    """Where they stand is no part of the name that they are imported by."""
    files = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, number in files.items() if number > 1] == []


def test_a_module_is_named_for_what_it_holds():
    stems = [path for path in FILES if path.stem in NO_NAMES]
    folders = [path for path in FILES if path.parent.name in NO_NAMES]
    assert [name_of(path) for path in (*stems, *folders)] == []


def test_every_module_says_what_it_is_for():
    assert [name_of(path) for path in FILES if not ast.get_docstring(tree_of(path))] == []


def test_a_child_imports_nothing_from_the_folder_where_it_is_started():
    """Which may be one that is scanned, or one that programs write to."""
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Tuple | ast.List)
        for first, then in pairwise([*map(ast.unparse, node.elts), ""])
        if first == "sys.executable" and then not in ("'-P'", "'-I'")
    ]
    assert calls == []


def test_who_decodes_bytes_expects_all_that_is_raised_of_them():
    """msgspec raises Python's own errors for text that is not UTF-8 or nested too deeply; ``ValidationError`` is about values alone."""
    handled = [
        (
            f"{name_of(path)}:{node.lineno}",
            " ".join(ast.unparse(one.type) for one in node.handlers if one.type),
        )
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Try)
    ]
    theirs = re.compile(r"\bMsgspecError\b|(?<!orjson\.)(?<!tomllib\.)\bDecodeError\b")
    whole = re.compile("MALFORMED|UnicodeDecodeError|UnicodeError|ValueError|Exception$")
    assert [where for where, words in handled if theirs.search(words) and not whole.search(words)] == []


def test_nothing_below_the_programs_prints_or_exits():
    """Children are programs of their own, run by name."""
    called = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        if not name_of(path).startswith("programs/") and name_of(path) not in PROGRAMS_OF_THEIR_OWN
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "exit", "quit", "sys.exit", "os._exit")
    ]
    assert called == []


PROCESS_WIDE = {
    "os.environ",
    "os.getenv",
    "os.putenv",
    "os.chdir",
    "os.umask",
    "gc.disable",
    "gc.enable",
    "gc.freeze",
    "signal.signal",
    "sys.setswitchinterval",
    "sys.setrecursionlimit",
    "sys.argv",
    "sys.stdin",
    "sys.stdout",
    "sys.stderr",
    "logging.basicConfig",
    "warnings.simplefilter",
    "warnings.filterwarnings",
    "socket.setdefaulttimeout",
    "resource.setrlimit",
    "locale.setlocale",
}
PROGRAMS_OF_THEIR_OWN = {
    "sources/confined_start.py",
    "sources/rego/worker.py",
    "sources/rendering/helm/worker.py",
}
"""Started by name as children, so that the process is theirs."""


def test_nothing_below_the_programs_touches_what_belongs_to_the_process():
    """Scans run in threads of programs that are not ours to set up."""
    touched = [
        f"{name_of(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in FILES
        if not name_of(path).startswith("programs/") and name_of(path) not in PROGRAMS_OF_THEIR_OWN
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in PROCESS_WIDE)
        or (isinstance(node, ast.Attribute) and node.attr == "expanduser")
        or (isinstance(node, ast.Global))
    ]
    assert touched == []


def imported_by(path: Path) -> set[str]:
    """The modules of ours that a file imports, below ``leadline``."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("leadline.") for name in found if name.startswith("leadline.")}


def test_the_use_cases_know_no_command_line():
    """What a scan has to say names no option: it may have been called by a library's user, or by a server."""
    flags = [
        f"{name_of(path)}:{node.lineno}: {node.value}"
        for path in FILES
        if name_of(path).startswith("scans/")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"--[a-z]", node.value)
    ]
    assert flags == []


def test_input_is_never_checked_by_assert():
    """``-O`` takes asserts away; they may only tell the type checker what is known."""
    told = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert) and node.msg is not None
    ]
    assert told == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_no_work_is_left_in_comments(word):
    marked = re.compile(rf"#.*\b{word}\b")
    assert [
        f"{name_of(path)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if marked.search(line)
    ] == []


def test_every_file_that_the_architecture_names_is_there():
    named = set(re.findall(r"`([\w/]+\.py)`", (ROOT / "ARCHITECTURE.md").read_text("utf-8")))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (SOURCE / name).is_file()] == []


_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[\w.-]+")


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / name).read_text("utf-8")))


def test_what_an_installation_takes_has_the_version_that_is_tested():
    run, every = pins("requirements-cli.lock"), pins("requirements.lock")
    assert {name: version for name, version in run.items() if every.get(name) != version} == {}, (
        "see CONTRIBUTING"
    )


def test_every_dependency_is_in_both_lock_files():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["render"]]
    run, every = pins("requirements-cli.lock"), pins("requirements.lock")
    assert [one for one in wanted if _NAME.findall(one)[0].lower() not in run] == [], "see CONTRIBUTING"
    wanted += project["build-system"]["requires"]
    wanted += [one for extra in extras.values() for one in extra]
    assert [one for one in wanted if _NAME.findall(one)[0].lower() not in every] == [], "see CONTRIBUTING"
