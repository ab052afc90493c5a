"""Assemblies are built here: a PE file of one section that holds a version resource."""

import struct

import pytest
from memory_tree import MemoryTree, read

from leadline.model.package import Package
from leadline.sbom.cataloguers.dotnet_assembly import dotnet_assembly


def text_entry(key: str, value: str) -> bytes:
    head = (key + "\0").encode("utf-16-le")
    head += bytes(-(6 + len(head)) % 4)
    content = (value + "\0").encode("utf-16-le")
    entry = struct.pack("<HHH", 6 + len(head) + len(content), len(value) + 1, 1) + head + content
    return entry + bytes(-len(entry) % 4)


def resource(texts: dict[str, str]) -> bytes:
    head = struct.pack("<HHH", 0, 52, 0) + "VS_VERSION_INFO\0".encode("utf-16-le")
    head += bytes(-len(head) % 4) + bytes(52)
    return bytes(8) + head + b"".join(text_entry(key, value) for key, value in texts.items())


def assembly(section: bytes, signature: bytes = b"BSJB", name: bytes = b".rsrc") -> bytes:
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2000)
    optional = struct.pack("<H", 0x20B).ljust(240, b"\0")
    row = struct.pack("<8sIIIIIIHHI", name, len(section), 0x1000, len(section), 1024, 0, 0, 0, 0, 0x40000040)
    return (dos + header + optional + row + signature).ljust(1024, b"\0") + section


def found_in(content: bytes) -> list[Package]:
    packages, complaint = read(dotnet_assembly, MemoryTree({"app/x.dll": content}), "app/x.dll")
    assert complaint == ""
    return packages


TEXTS = {
    "CompanyName": "Ann Example",
    "FileDescription": "Json.NET",
    "FileVersion": "13.0.1.25517",
    "OriginalFilename": "Newtonsoft.Json.dll",
    "ProductVersion": "13.0.1+ae9fe44e1323e91bcbd185ca1a14099fba7c021f",
}


def test_version_of_the_product_without_its_commit_is_that_of_the_package() -> None:
    expected = Package("nuget", "Newtonsoft.Json", "13.0.1", supplier="Ann Example", description="Json.NET")
    assert found_in(assembly(resource(TEXTS))) == [expected]


def test_resource_within_the_code_is_found() -> None:
    packages = found_in(assembly(b"\x90" * 7 + resource(TEXTS), name=b".text"))
    assert [(one.name, one.version) for one in packages] == [("Newtonsoft.Json", "13.0.1")]


def test_version_of_the_file_serves_where_the_product_has_none() -> None:
    (package,) = found_in(assembly(resource({**TEXTS, "ProductVersion": "unknown"})))
    assert package.version == "13.0.1.25517"


@pytest.mark.parametrize(
    "content",
    [
        assembly(resource(TEXTS), signature=b""),
        assembly(b""),
        assembly(resource({})),
        assembly(resource(TEXTS)[:100]),
        b"\x7fELF BSJB",
    ],
)
def test_what_is_not_managed_or_has_no_version_is_no_package(content: bytes) -> None:
    assert found_in(content) == []


@pytest.mark.parametrize(
    ("path", "is_listed"),
    [
        ("usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.6/System.Xml.dll", False),
        ("usr/lib/dotnet/shared/Microsoft.AspNetCore.App/8.0.6/a/System.Xml.dll", False),
        ("usr/share/dotnet/sdk/8.0.300/System.Xml.dll", False),
        ("app/System.Xml.dll", True),
        ("app/shared/System.Xml.dll", True),
        ("app/sdk/System.Xml.dll", True),
    ],
)
def test_assemblies_of_the_framework_are_no_packages(path: str, is_listed: bool) -> None:
    packages, _ = read(dotnet_assembly, MemoryTree({path: assembly(resource(TEXTS))}), path)
    assert bool(packages) == is_listed
