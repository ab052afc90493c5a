"""Whatever stands in a file, a cataloguer yields packages or raises ``Unreadable``; nothing else comes out of it."""

import time
import zlib

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from test_dotnet_assembly import TEXTS, assembly, resource
from test_ecosystems import CATALOGUERS, FOLDER, tree_of
from test_golang import LINES, SECTION, elf, inline, pointed
from test_java import jar, properties

from leadline.sbom.layers.file_selector import FileSelector

METADATA = "Metadata-Version: 2.1\nName: x\nVersion: 1\n"
BUILT = {
    "golang": {
        "bin/inline": elf({SECTION: inline(LINES.format(version="(devel)")), ".rodata": b"\x001.2.3\0"}),
        "bin/pointed": elf({SECTION: pointed(LINES.format(version="v1"), 4, ">")}, False, ">"),
    },
    "dotnet-assembly": {"x.dll": assembly(resource(TEXTS))},
    "rust": {"bin/x": elf({".dep-v0": zlib.compress(b'{"packages":[{"name":"a","version":"1"}]}')})},
    "java": {
        "x-1.jar": jar({**properties("a", "b", "1"), "META-INF/MANIFEST.MF": "A: b\n", "c.jar": jar({})})
    },
    "python-egg": {"x.egg": jar({"EGG-INFO/PKG-INFO": METADATA})},
    "python-wheel": {"x.whl": jar({"x-1.dist-info/METADATA": METADATA})},
}
OF_LANGUAGES = sorted({*BUILT, *(folder.name for folder in FOLDER.iterdir())})
THOROUGH = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
QUICK = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def files_of(name: str) -> dict[str, bytes]:
    return BUILT.get(name) or tree_of(name)


def asked_for(name: str) -> list[str]:
    wishes = FileSelector([CATALOGUERS[name]])
    wanted = [path for path in files_of(name) if (wish := wishes.of(path)) and wish.readers]
    return wanted or list(files_of(name))


def assert_survives(name: str, path: str, content: bytes) -> None:
    packages, _ = read(CATALOGUERS[name], MemoryTree({**files_of(name), path: content}), path)
    lacks_version = CATALOGUERS[name].may_lack_version
    assert all(one.type and one.name and (one.version or lacks_version) for one in packages)
    msgspec.json.encode(packages)


@pytest.mark.parametrize("name", OF_LANGUAGES)
@QUICK
@given(draws=st.data())
def test_damaged_files(name: str, draws: st.DataObject) -> None:
    damage(name, draws)


@pytest.mark.nightly("fuzz")
@pytest.mark.parametrize("name", OF_LANGUAGES)
@THOROUGH
@given(draws=st.data())
def test_files_damaged_in_many_ways(name: str, draws: st.DataObject) -> None:
    damage(name, draws)


def damage(name: str, draws: st.DataObject) -> None:
    path = draws.draw(st.sampled_from(asked_for(name)))
    content = bytearray(files_of(name)[path])
    for _ in range(draws.draw(st.integers(1, 4))):
        start = draws.draw(st.integers(0, len(content)))
        end = draws.draw(st.integers(start, min(len(content), start + 40)))
        content[start:end] = draws.draw(
            st.one_of(st.binary(max_size=20), st.just(bytes(content[start:end]) * 3))
        )
    assert_survives(name, path, bytes(content))


@pytest.mark.parametrize("name", OF_LANGUAGES)
@QUICK
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8")))
)
def test_any_content(name: str, content: bytes) -> None:
    assert_survives(name, asked_for(name)[0], content)


@pytest.mark.parametrize("name", OF_LANGUAGES)
def test_long_runs_take_no_quadratic_time(name: str) -> None:
    """Would not end in minutes if they did."""
    for run in ("\n", " ", '"', '\\"', "1.", "{", "a: "):
        assert_survives(name, asked_for(name)[0], run.encode() * 60_000)


@pytest.mark.parametrize(
    ("name", "path", "content"),
    [
        ("python-requirements", "requirements.txt", ("a" + " " * 4000 + "b\n") * 20),
        ("python-requirements", "requirements.txt", ("a" + " " * 4000 + "@" + " " * 4000 + "\n") * 20),
        ("ruby", "specifications/a.gemspec", ("add_dependency" + " " * 200_000) * 3),
        ("pnpm-lock", "pnpm-lock.yaml", "packages:\n" + "".join(f"  {'a.' * 450}{i}: {{a: b}}\n" for i in range(300))),
        ("lua", "a.rockspec", "dependencies = {" + '"  ' * 100_000 + "}"),
        ("erlang", "ebin/a.app", "{ application" * 10_000 + " " * 100_000),
        ("java-pom", "pom.xml", f"<project><properties><a>{'${a}' * 50}</a></properties><dependencies>"
         + "<dependency><groupId>${a}${a}</groupId></dependency>" * 2000 + "</dependencies></project>"),
    ],
)  # fmt: skip
def test_content_that_would_make_a_pattern_go_back_and_forth(name: str, path: str, content: str) -> None:
    """Would not end in minutes if one did."""
    assert_survives(name, path, content.encode())


def shapes_of(value: object) -> st.SearchStrategy[object]:
    """``value`` with any of its parts replaced by something of another type."""
    odd = st.sampled_from(
        [None, True, 5, -1.5, "", "x", "@", "/", "a@b:c", [], {}, [[]], [None], {"": {}}, {"name": 1}]
    )
    if isinstance(value, dict):
        return st.one_of(st.fixed_dictionaries({key: shapes_of(part) for key, part in value.items()}), odd)
    if isinstance(value, list):
        return st.one_of(st.tuples(*map(shapes_of, value)).map(list), odd)
    return st.one_of(st.just(value), odd)


def is_json(content: bytes) -> bool:
    try:
        return isinstance(orjson.loads(content), dict | list)
    except orjson.JSONDecodeError:
        return False


JSON_FILES = [
    (name, path) for name in OF_LANGUAGES for path in asked_for(name) if is_json(files_of(name)[path])
]


@pytest.mark.parametrize(("name", "path"), JSON_FILES)
@QUICK
@given(draws=st.data())
def test_json_of_other_shapes(name: str, path: str, draws: st.DataObject) -> None:
    value = draws.draw(shapes_of(orjson.loads(files_of(name)[path])))
    assert_survives(name, path, orjson.dumps(value))


@pytest.mark.parametrize(
    ("name", "path", "content"),
    [
        ("java-gradle", "gradle.lockfile", "a:b:1=compileClasspath\nunit::pileClasspath\n"),
        ("java-gradle", "gradle.lockfile", "a:b:1=compileClasspath\na: :1=compileClasspath\n"),
        ("java-gradle", "gradle.lockfile", "a:b:1=compileClasspath\na:c:=compileClasspath\n"),
        ("dart", "pubspec.lock", "packages:\n  b: {version: '1'}\n  '': {version: '1'}\n"),
        ("dotnet-lock", "packages.lock.json", '{"dependencies":{"a":{"b":{"resolved":"1"},"":{"resolved":"1"}}}}'),
        ("python-pipenv", "Pipfile.lock", '{"default":{"b":{"version":"==1"},"":{"version":"==1"}}}'),
    ],
)  # fmt: skip
def test_an_entry_without_name_or_version_is_said_and_its_neighbour_kept(
    name: str, path: str, content: str
) -> None:
    packages, complaint = read(CATALOGUERS[name], MemoryTree({path: content}), path)
    assert ([package.name for package in packages], complaint) == (
        ["b"],
        "1 package has no name or no version",
    )


def test_a_go_module_without_a_name_is_unreadable():
    text = b"require (\n\tgithub.com/a/b v1.0.0\n\t/ indirect\n)\n"
    packages, unread = read(CATALOGUERS["golang-mod"], MemoryTree({"go.mod": text}), "go.mod")
    assert [package.name for package in packages] == ["b"]
    assert unread == "a module named '/'"


@pytest.mark.parametrize(
    ("name", "path", "inside"),
    [
        ("python-egg", "x.egg", "EGG-INFO/PKG-INFO"),
        ("python-wheel", "x.whl", "x-1.dist-info/METADATA"),
    ],
)
def test_an_archive_whose_metadata_names_no_package_is_unreadable(name: str, path: str, inside: str) -> None:
    archive = MemoryTree({path: jar({inside: "Metadata-Version: 2.1\n"})})
    assert read(CATALOGUERS[name], archive, path) == ([], f"{inside} has no name or no version")


IN_LINES = (
    "cocoapods",
    "dart",
    "elixir",
    "erlang-lock",
    "github-actions",
    "golang-mod",
    "haskell-cabal",
    "haskell-stack",
    "java-gradle",
    "pnpm-lock",
    "ruby-lock",
    "yarn-lock",
)


@pytest.mark.parametrize("name", IN_LINES)
@pytest.mark.parametrize("content", [b"this is not it\n" * 3, b"\0\xff\x01{[<\n" * 50])
def test_what_is_no_lock_file_is_said_to_be_none(name: str, content: bytes) -> None:
    for path in asked_for(name):
        if path.endswith((".lock", ".yaml", ".yml", ".freeze", ".lockfile", "go.mod")):
            packages, complaint = read(CATALOGUERS[name], MemoryTree({path: content}), path)
            assert (packages, bool(complaint)) == ([], True)


@pytest.mark.parametrize(
    "name", [*IN_LINES, "conan-file", "python-poetry", "python-requirements", "rust-lock"]
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_change_nothing(name: str, encoding: str) -> None:
    for path in asked_for(name):
        content = files_of(name)[path]
        marked = MemoryTree({path: content.decode().encode(encoding)})
        assert read(CATALOGUERS[name], marked, path) == read(
            CATALOGUERS[name], MemoryTree({path: content}), path
        )


@pytest.mark.parametrize("name", ["elixir", "erlang-lock"])
def test_a_term_that_breaks_off_keeps_what_came_before(name: str) -> None:
    (path,) = asked_for(name)
    content = files_of(name)[path]
    packages, complaint = read(CATALOGUERS[name], MemoryTree({path: content[: len(content) // 2]}), path)
    assert (bool(packages), complaint) == (True, "not a valid Elixir term, or truncated")


def test_what_is_left_out_of_large_requirements_is_said() -> None:
    content = b"a==1\n" + b"#" * (8 << 20) + b"\nb==1\n"
    packages, complaint = read(
        CATALOGUERS["python-requirements"], MemoryTree({"requirements.txt": content}), "requirements.txt"
    )
    assert ([one.name for one in packages], complaint) == (["a"], "larger than 8 MiB, the rest was left out")


@pytest.mark.parametrize("written", ["../pom.xml", "..", "../../../../../../pom.xml", "pom.xml", "a/pom.xml"])
def test_a_project_that_is_its_own_parent_is_read_once(written: str) -> None:
    pom = (
        "<project><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version>"
        f"<relativePath>{written}</relativePath></parent><artifactId>a</artifactId>"
        "<dependencies><dependency><groupId>h</groupId><artifactId>b</artifactId></dependency></dependencies></project>"
    )
    tree = MemoryTree({"a/pom.xml": pom, "pom.xml": pom})
    packages, complaint = read(CATALOGUERS["java-pom"], tree, "a/pom.xml")
    assert ([(one.name, one.version) for one in packages], complaint) == ([("a", "1"), ("b", "")], "")


@pytest.mark.parametrize("name", ["a" + "-aaaa" * 90 + "!", "a" + "-1" * 240, "a-" * 240, "1" * 480 + "-!"])
def test_a_name_of_hackage_takes_time_by_its_length(name: str) -> None:
    began = time.process_time()
    assert_survives(
        "haskell-stack", "stack.yaml.lock", f'packages:\n- completed: {{hackage: "{name}"}}\n'.encode()
    )
    assert time.process_time() - began < 2
