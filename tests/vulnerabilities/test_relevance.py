"""Which packages were loaded, from the files that were opened or an SBOM of what was loaded."""

import pytest
from msgspec.structs import replace

from leadline.model.package import Package
from leadline.model.vulnerability import ExploitChance, Exploited, Match
from leadline.packages.loaded import Loaded
from leadline.sbom.ownership import with_useful_files
from leadline.vulnerabilities.relevance import ranked_by_loading

OPENED = Loaded(
    (
        "/usr/lib/x86_64-linux-gnu/libssl.so.3",
        "/app/node_modules/ms/index.js",
        "/app/node_modules/a/node_modules/b/index.js",
        "/usr/lib/python3/dist-packages/typing_extensions.py",
        "/usr/lib/python3/dist-packages/yaml/__init__.py",
        "/srv/app.jar",
        "/usr/bin/tool",
        "/var/lib/gems/gems/rack-3.0/lib/rack.rb",
        "/proc/\u22ef/lib.so",
        "/usr/lib/python3/dist-packages/pip-6.dist-info/METADATA",
        "/app/node_modules/c/package.json",
        "/opt/*",
    )
)


def found(type: str, name: str, place: str, *files: str, version: str = "1") -> Package:
    return Package(type, name, version, found_in=(place,), files=files)


@pytest.mark.parametrize(
    ("package", "loaded"),
    [
        (found("deb", "libssl3", "status", "usr/share/doc/a", "usr/lib/x86_64-linux-gnu/libssl.so.3"), True),
        (found("deb", "libssl3", "status", "lib/x86_64-linux-gnu/libssl.so.3"), True),
        (found("deb", "libssl", "status", "usr/lib/x86_64-linux-gnu/libssl.so"), False),
        (found("rpm", "proc", "rpmdb", "proc/12/lib.so"), True),
        (found("rpm", "proc", "rpmdb", "proc/12/libz.so"), False),
        (found("apk", "tool", "installed", "opt/a/b"), True),
        (found("deb", "tzdata", "status", "usr/share/zoneinfo/UTC"), None),
        (found("deb", "libssl3", "status", "usr/share/doc/a", "usr/lib/libcrypto.so.3"), False),
        (found("deb", "meta", "status"), None),
        (found("npm", "ms", "app/node_modules/ms/package.json"), True),
        (found("npm", "a", "app/node_modules/a/package.json"), False),
        (found("npm", "b", "app/node_modules/a/node_modules/b/package.json"), True),
        (found("npm", "c", "app/node_modules/c/package.json"), False),
        (
            found(
                "pypi",
                "typing-extensions",
                "usr/lib/python3/dist-packages/typing_extensions-4.dist-info/METADATA",
            ),
            True,
        ),
        (found("pypi", "yaml", "usr/lib/python3/dist-packages/yaml-6.dist-info/METADATA"), True),
        (found("pypi", "PyYAML", "usr/lib/python3/dist-packages/PyYAML-6.dist-info/METADATA"), None),
        (found("gem", "rack", "var/lib/gems/specifications/rack-3.0.gemspec", version="3.0"), True),
        (found("gem", "rake", "var/lib/gems/specifications/rake-3.0.gemspec", version="3.0"), False),
        (found("gem", "json", "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.gemspec"), None),
        (found("generic", "tool", "usr/bin/tool"), True),
        (found("generic", "bash", "usr/bin/bash"), False),
        (found("golang", "y", "src/go.mod"), None),
        (
            found(
                "pypi",
                "PyYAML",
                "usr/lib/python3/dist-packages/PyYAML-6.dist-info/METADATA",
                "usr/lib/python3/dist-packages/yaml/__init__.py",
            ),
            True,
        ),
        (
            found(
                "pypi",
                "numpy",
                "usr/lib/python3/dist-packages/numpy-6.dist-info/METADATA",
                "usr/lib/python3/dist-packages/numpy/__init__.py",
            ),
            False,
        ),
        (
            found(
                "pypi",
                "pip",
                "usr/lib/python3/dist-packages/pip-6.dist-info/METADATA",
                "usr/lib/python3/dist-packages/pip-6.dist-info/METADATA",
                "usr/lib/python3/dist-packages/pip/a.py",
            ),
            False,
        ),
        (found("maven", "log4j", "srv/app.jar:BOOT-INF/lib/log4j.jar"), True),
        (found("maven", "log4j", "srv/other.jar"), False),
        (found("golang", "x", "usr/bin/tool"), True),
        (found("golang", "x", "usr/bin/other"), False),
        (Package("npm", "ms", "1"), None),
    ],
)
def test_a_package_was_loaded_as_far_as_opened_files_show(package: Package, loaded: bool | None):
    assert OPENED.is_loaded(package) is loaded


def test_an_sbom_of_what_was_loaded_names_the_packages():
    loaded = Loaded(packages=[Package("deb", "bash", "5.2", namespace="debian")])
    assert loaded.is_loaded(Package("deb", "bash", "5.2")) is True
    assert loaded.is_loaded(Package("deb", "bash", "5.1")) is False


def test_what_is_missing_of_a_profile_is_not_known_to_be_unused():
    partial = Loaded(("/usr/bin/tool",), is_complete=False)
    assert partial.is_loaded(found("generic", "tool", "usr/bin/tool")) is True
    assert partial.is_loaded(found("generic", "bash", "usr/bin/bash")) is None
    assert partial.is_loaded(found("npm", "c", "app/node_modules/c/package.json")) is None
    assert partial.is_loaded(found("deb", "libssl3", "status", "usr/lib/libssl.so.3")) is None


def test_any_file_of_a_folder_that_ends_so_may_have_been_loaded():
    vague = Loaded(("/usr/lib/python3/dist-packages/⋯.py", "/opt/lib/⋯"))
    assert (
        vague.is_loaded(found("deb", "python3-six", "status", "usr/lib/python3/dist-packages/six.py")) is True
    )
    assert vague.is_loaded(found("deb", "c", "status", "usr/lib/python3/dist-packages/c.so")) is False
    assert vague.is_loaded(found("deb", "d", "status", "usr/lib/python3/dist-packages/d/a.py")) is False
    assert vague.is_loaded(found("deb", "e", "status", "opt/lib/e.so")) is True


def test_compiled_python_counts_as_its_source():
    cached = Loaded(("/usr/lib/python3/dist-packages/yaml/__pycache__/__init__.cpython-311.pyc",))
    assert cached.is_loaded(
        found("pypi", "PyYAML", "x/METADATA", "usr/lib/python3/dist-packages/yaml/__init__.py")
    )


def test_of_the_files_of_packages_the_code_is_kept_where_it_decides():
    packages = (
        found("deb", "libssl3", "status", "usr/share/doc/a", "usr/lib/x86_64-linux-gnu/libssl.so.3"),
        found(
            "deb",
            "python3-yaml",
            "status",
            "usr/lib/python3/dist-packages/yaml/__init__.py",
            "usr/share/doc/y",
        ),
        replace(found("pypi", "PyYAML", "usr/lib/x.egg-info/PKG-INFO"), owned_by="python3-yaml"),
    )
    kept = tuple(with_useful_files(packages, (), with_code=True))
    assert [one.files for one in kept] == [
        ("usr/lib/x86_64-linux-gnu/libssl.so.3",),
        ("usr/lib/python3/dist-packages/yaml/__init__.py",),
        ("usr/lib/python3/dist-packages/yaml/__init__.py",),
    ]
    assert [one.files for one in with_useful_files(packages, ())] == [(), (), ()]


def test_what_was_loaded_comes_first_behind_what_attackers_are_at():
    loaded, other = Package("golang", "x", "1", found_in=("usr/bin/tool",)), Package("deb", "b", "1")
    idle = Package("golang", "z", "1", found_in=("usr/bin/other",))
    matches = (
        Match("A", idle, severity="critical"),
        Match("B", other, severity="critical"),
        Match("C", loaded, severity="low"),
        Match("D", idle, exploited=Exploited("D")),
        Match("E", idle, severity="high", chance=ExploitChance("E", 0.5, 0.9)),
    )
    ranked = ranked_by_loading(matches, OPENED.is_loaded)
    assert [(one.id, one.loaded) for one in ranked] == [
        ("D", False),
        ("E", False),
        ("C", True),
        ("B", None),
        ("A", False),
    ]
