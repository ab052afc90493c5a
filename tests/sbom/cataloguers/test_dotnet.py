import json

from memory_tree import MemoryTree, read

from leadline.sbom.cataloguers.dotnet import dotnet


def listed(entry: dict[str, object], kind: str = "package") -> list[str]:
    document = {
        "targets": {".NETCoreApp,Version=v8.0": {"Tool/1.0": entry}},
        "libraries": {"Tool/1.0": {"type": kind}},
    }
    packages, _ = read(dotnet, MemoryTree({"app/x.deps.json": json.dumps(document)}), "app/x.deps.json")
    return [f"{package.name} {package.version}" for package in packages]


def test_a_package_that_gives_no_file_is_not_in_the_image() -> None:
    assert listed({}) == []
    assert listed({"dependencies": {"Other": "1.0"}}) == []
    assert listed({"compile": {"lib/Tool.dll": {}}}) == []


def test_a_package_that_gives_a_file_is_in_the_image() -> None:
    for kind in ("runtime", "native", "runtimeTargets", "resources"):
        assert listed({kind: {"lib/Tool.dll": {}}}) == ["Tool 1.0"]


def test_projects_of_the_program_are_not_packages() -> None:
    assert listed({}, "project") == []
    assert listed({"runtime": {"Tool.dll": {}}}, "project") == []
    assert listed({"runtime": {"Tool.dll": {}}}, "reference") == ["Tool 1.0"]
