import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from cataloguers.memory_tree import MemoryTree
from hypothesis import given
from hypothesis import strategies as st

import leadline.sbom.identity.distro as distro_module
from leadline.model.package import Distro, Package
from leadline.sbom.identity.distro import (
    DISTRO_PATHS,
    distro_of_programs,
    distro_qualifiers,
    end_of_life,
    is_rolling,
    read_distro,
)

TREES = {
    "debian": (
        {
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n'
            'VERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n',
            "etc/debian_version": "12.4\n",
        },
        Distro("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)", (), "2028-06-30"),
    ),
    "debian testing": (
        {
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux forky/sid"\nVERSION_CODENAME=forky\nID=debian\n',
            "etc/debian_version": "forky/sid\n",
        },
        Distro("debian", "forky/sid", "forky", "Debian GNU/Linux forky/sid"),
    ),
    "debian without os-release": (
        {"etc/debian_version": "7.11\n"},
        Distro("debian", "7", "", "Debian 7.11", (), "2018-05-31"),
    ),
    "old debian": (
        {
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 8 (jessie)"\nVERSION="8 (jessie)"\nVERSION_ID="8"\nID=debian'
        },
        Distro("debian", "8", "jessie", "Debian GNU/Linux 8 (jessie)", (), "2020-06-30"),
    ),
    "distroless": (
        {
            "usr/lib/os-release": 'PRETTY_NAME="Distroless"\nNAME="Debian GNU/Linux"\nID="debian"\nVERSION_ID="11"\n'
        },
        Distro("debian", "11", "", "Distroless", (), "2026-08-31"),
    ),
    "ubuntu": (
        {
            "etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n'
            'PRETTY_NAME="Ubuntu 22.04.3 LTS"\nVERSION_CODENAME=jammy\n',
        },
        Distro("ubuntu", "22.04", "jammy", "Ubuntu 22.04.3 LTS", ("debian",), "2027-06-01"),
    ),
    "ubuntu without os-release": (
        {
            "etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\nDISTRIB_CODENAME=precise\n"
            'DISTRIB_DESCRIPTION="Ubuntu 12.04.5 LTS"\n',
        },
        Distro("ubuntu", "12.04", "precise", "Ubuntu 12.04.5 LTS", (), "2017-04-28"),
    ),
    "alpine": (
        {
            "etc/os-release": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n'
        },
        Distro("alpine", "3.18.4", "", "Alpine Linux v3.18", (), "2025-05-09"),
    ),
    "alpine without os-release": (
        {"etc/alpine-release": "3.2.3\n"},
        Distro("alpine", "3.2.3", "", "Alpine Linux 3.2.3", (), "2017-05-01"),
    ),
    "red hat": (
        {
            "etc/os-release": 'NAME="Red Hat Enterprise Linux"\nVERSION="8.9 (Ootpa)"\nID="rhel"\nID_LIKE="fedora"\n'
            'VERSION_ID="8.9"\nPRETTY_NAME="Red Hat Enterprise Linux 8.9 (Ootpa)"\n',
        },
        Distro("rhel", "8.9", "ootpa", "Red Hat Enterprise Linux 8.9 (Ootpa)", ("fedora",), "2029-05-31"),
    ),
    "centos without os-release": (
        {"etc/centos-release": "CentOS release 6.10 (Final)\n"},
        Distro("centos", "6.10", "", "CentOS release 6.10 (Final)", (), "2020-11-30"),
    ),
    "centos stream": (
        {
            "etc/os-release": 'NAME="CentOS Stream"\nID="centos"\nVERSION_ID="8"\nPRETTY_NAME="CentOS Stream 8"\n'
        },
        Distro("centos", "8", "", "CentOS Stream 8", (), "2024-05-31"),
    ),
    "amazon": (
        {
            "etc/os-release": 'NAME="Amazon Linux AMI"\nID="amzn"\nVERSION_ID="2018.03"\nPRETTY_NAME="Amazon Linux AMI 2018.03"\n'
        },
        Distro("amzn", "2018.03", "", "Amazon Linux AMI 2018.03", (), "2023-12-31"),
    ),
    "suse": (
        {
            "etc/os-release": 'NAME="SLES"\nID="sles"\nID_LIKE="suse"\nVERSION_ID="15.5"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"\n'
        },
        Distro("sles", "15.5", "", "SUSE Linux Enterprise Server 15 SP5", ("suse",), "2024-12-31"),
    ),
    "arch": (
        {"etc/os-release": 'NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\nPRETTY_NAME="Arch Linux"\n'},
        Distro("arch", "rolling", "", "Arch Linux"),
    ),
    "wolfi": (
        {"etc/os-release": 'ID=wolfi\nNAME="Wolfi"\nPRETTY_NAME="Wolfi"\nVERSION_ID="20230201"\n'},
        Distro("wolfi", "20230201", "", "Wolfi"),
    ),
    "azure": (
        {
            "etc/os-release": 'NAME="Common Base Linux Mariner"\nID=mariner\nVERSION_ID="2.0"\nPRETTY_NAME="CBL-Mariner/Linux"\n'
        },
        Distro("mariner", "2.0", "", "CBL-Mariner/Linux", (), "2025-07-31"),
    ),
    "quoted": (
        {"etc/os-release": '# a comment\n\n ID = \'odd\' \nPRETTY_NAME="an \\"odd\\" \\$one"\nbroken line\n'},
        Distro("odd", "", "", 'an "odd" $one'),
    ),
    "nothing": ({}, Distro()),
}


@pytest.mark.parametrize("name", TREES)
def test_distribution_is_known_by_its_release_files(name: str) -> None:
    files, expected = TREES[name]
    assert read_distro(MemoryTree(files)) == expected


@pytest.mark.parametrize(
    ("distro", "qualifiers"),
    [
        (Distro("debian", "12"), (("distro", "debian-12"),)),
        (Distro("arch"), (("distro", "arch"),)),
        (Distro(), ()),
    ],
)
def test_qualifier_names_distribution_and_release(
    distro: Distro, qualifiers: tuple[tuple[str, str], ...]
) -> None:
    assert distro_qualifiers(distro) == qualifiers


def test_busybox_names_an_image_without_release_files() -> None:
    packages = [Package("generic", "redis", "7.0.1"), Package("generic", "busybox", "1.36.1")]
    assert distro_of_programs(packages) == Distro("busybox", "1.36.1", "", "BusyBox v1.36.1")
    assert distro_of_programs(packages[:1]) == Distro()


@pytest.mark.parametrize(
    ("distro", "end"),
    [
        (Distro("fedora", "42"), "2026-05-27"),
        (Distro("alpine", "3.23.0"), "2027-11-01"),
        (Distro("centos", "10", name="CentOS Stream 10"), "2030-05-31"),
        (Distro("opensuse", "42.3"), "2019-07-01"),
        (Distro("sles_sap", "15.3"), "2022-12-31"),
        (Distro("amzn", "2017.09"), "2023-12-31"),
        (Distro("alpine", "3.23.0_alpha20250612"), ""),
        (Distro("debian", "forky/sid"), ""),
    ],
)
def test_the_end_of_a_release_is_known_by_its_version(distro: Distro, end: str) -> None:
    assert end_of_life(distro) == end


def test_what_rolls_has_no_release_that_ends() -> None:
    rolling = (Distro("wolfi", "20230201"), Distro("debian", "forky/sid"), Distro("alpine", "3.23.0_alpha1"))
    assert all(map(is_rolling, rolling))
    assert not any(map(is_rolling, (Distro("debian", "12"), Distro("own", "1"), Distro())))


def test_releases_end_in_their_order() -> None:
    text = Path(distro_module.__file__).with_name("end_of_life.toml").read_text("utf-8")
    for name, releases in tomllib.loads(text).items():
        if name == "ubuntu":
            # Releases with long-term support outlive their successors.
            releases = {
                version: day for version, day in releases.items() if re.fullmatch(r"\d[02468]\.04", version)
            }
        in_order = sorted(releases, key=lambda version: [int(part) for part in version.split(".")])
        if name == "amzn":
            in_order = [*(version for version in in_order if "2009" < version < "2019"), "2", "2023"]
        days = [releases[version] for version in in_order]
        assert all(isinstance(day, date) for day in days)
        # CentOS 8 was ended early, and the last service pack of SLES 12 outlived the first ones of 15.
        if name not in ("centos", "sles"):
            assert days == sorted(days), name


def test_the_dates_are_read_as_toml_has_them() -> None:
    text = Path(distro_module.__file__).with_name("end_of_life.toml").read_text("utf-8")
    assert distro_module._end_of_life_dates() == {
        name: {version: str(day) for version, day in releases.items()}
        for name, releases in tomllib.loads(text).items()
    }


@pytest.mark.parametrize(
    "distro", [Distro("debian", "99"), Distro("debian", ""), Distro("none", "1"), Distro()]
)
def test_unknown_release_has_no_end(distro: Distro) -> None:
    assert end_of_life(distro) == ""


@pytest.mark.parametrize("text", ["ID=", 'ID=""', 'NAME=""', 'ID=" "\nNAME=" "', "VERSION_ID=12"])
def test_a_release_file_without_a_name_leaves_it_to_the_next(text: str) -> None:
    assert read_distro(MemoryTree({"etc/os-release": text})) == Distro()
    files = {"etc/os-release": text, "usr/lib/os-release": "\ufeffID=debian\nVERSION_ID=12\n"}
    assert read_distro(MemoryTree(files)).id == "debian"
    assert read_distro(MemoryTree({"etc/os-release": text, "etc/alpine-release": "3.20.1\n"})).id == "alpine"


def test_a_release_of_many_numbers_is_cut() -> None:
    found = read_distro(MemoryTree({"etc/os-release": "ID=own\nVERSION_ID=" + "1." * 30_000}))
    assert len(found.version) == 256


@given(
    st.sampled_from(("etc/os-release", "usr/lib/os-release")),
    st.lists(st.sampled_from(("ID", "NAME", "VERSION_ID", "VERSION", "=", '"', " ", "\n", "a", "1", "."))),
)
def test_any_assignments_are_read_without_fault(path: str, parts: list[str]) -> None:
    read_distro(MemoryTree({path: "".join(parts)}))


@given(st.sampled_from(DISTRO_PATHS), st.binary(max_size=200) | st.text(max_size=200))
def test_any_release_file_is_read_without_fault(path: str, content: bytes | str) -> None:
    read_distro(MemoryTree({path: content}))
