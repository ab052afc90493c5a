import pytest

from leadline.model.package import ImageConfig, ImageIdentity, Sbom
from leadline.posture.catalogue import load_controls
from leadline.sbom.dockerfile.faults import faults_of
from leadline.sbom.dockerfile.instructions import read_dockerfile
from leadline.sbom.findings import image_findings

SECRETS = ("hunter2-and-more", "glpat-abcdefghij0123456789", "geheim123")


def said(text: str) -> list[tuple[str, int, str]]:
    file = read_dockerfile(text.encode())
    return [
        (f"{one.rule}{'?' if one.is_open else ''}", file.instructions[one.at].line, one.why)
        for one in faults_of(file)
    ]


def rules(text: str) -> list[tuple[str, int]]:
    return [(rule, line) for rule, line, _ in said(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch\n", [("rootUser", 1)]),
        ("FROM scratch\nARG WHO\nUSER $WHO\n", [("rootUser?", 3)]),
        ("FROM scratch\nARG WHO=root\nUSER ${WHO}\n", [("rootUser", 3)]),
        ("FROM scratch\nENV WHO=1\nENV WHO=0 NEXT=$WHO\nUSER $NEXT\n", []),
        ("FROM scratch\nUSER ${WHO:-app}\n", []),
        ("ARG WHO=app\nFROM scratch\nUSER $WHO\n", [("rootUser?", 3)]),
        ("FROM mcr.microsoft.com/windows/nanoserver:ltsc2022@sha256:" + "1" * 64 + "\n", [("rootUser?", 1)]),
        ("# escape=`\nFROM scratch\nUSER ContainerAdministrator\n", [("rootUser", 3)]),
        ("FROM scratch AS a\nUSER 1\nFROM A\nONBUILD USER 0\n", []),
    ],
)
def test_the_user_is_the_last_one_of_the_stages_that_the_image_is_made_of(text, expected):
    assert rules(text) == expected


def test_no_text_repeats_a_secret():
    text = (
        "FROM scratch\nENV DB_PASSWORD=hunter2-and-more\nLABEL glpat-abcdefghij0123456789=x\n"
        "RUN curl -u bob:geheim123 https://a\nADD https://bob:geheim123@example.com/a /a\nUSER 1\n"
    )
    assert [rule for rule, *_ in said(text)] == ["toRevoke", "toRevoke", "toRevoke", "remoteAdd"]
    assert not any(secret in why for _, _, why in said(text) for secret in SECRETS[:1] + SECRETS[2:])


CASES = [
    ("", ("22/tcp", "80")),
    ("root", ("22",)),
    ("0:0", ("2375/tcp", "22/udp")),
    ("1000", ()),
    ("app", ("10250",)),
    ("4294967296", ()),
]


@pytest.mark.parametrize(("user", "ports"), CASES)
def test_a_dockerfile_and_the_image_that_it_builds_get_the_same_verdict(user: str, ports: tuple[str, ...]):
    text = (
        "FROM scratch\n" + "".join(f"EXPOSE {port}\n" for port in ports) + (f"USER {user}\n" if user else "")
    )
    image = ImageIdentity("web", id="sha256:1", platform="linux/amd64")
    sbom = Sbom(image, packages=(), config=ImageConfig(user=user, ports=ports))
    found = {one.title: one.severity for one in image_findings(sbom, "2026-01-01", is_document=False)}
    by_title = {"Runs as root": "root_image", "Port for remote control": "remote_control_exposed"}
    controls = {control.name: control for control in load_controls()}
    names = {"rootUser": "root_image", "remoteControlPort": "remote_control_exposed"}
    assert {by_title[title]: severity for title, severity in found.items()} == {
        names[rule]: controls[names[rule]].severity for rule, _ in rules(text)
    }
