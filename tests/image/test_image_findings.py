import pytest

from leadline.image.findings import image_findings
from leadline.model.package import Distro, ImageConfig, ImageFile, ImageIdentity, Sbom

TODAY = "2026-06-30"


def found(**fields: object) -> list[tuple[str, str, str, str]]:
    sbom = Sbom(
        **{
            "image": ImageIdentity("x", id="sha256:a"),
            "packages": (),
            "config": ImageConfig(user="app"),
            **fields,
        }
    )  # type: ignore[arg-type]
    return [(one.severity, one.title, one.where, one.detail) for one in image_findings(sbom, TODAY)]


def test_an_image_may_have_nothing_to_tell():
    assert found() == []


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:app"])
def test_root_in_all_its_spellings_is_a_finding(user: str):
    assert [row[:3] for row in found(config=ImageConfig(user=user))] == [
        ("medium", "Runs as root", "configuration")
    ]


@pytest.mark.parametrize("user", ["1000", "app", "10:0", "rooter"])
def test_another_user_is_none(user: str):
    assert found(config=ImageConfig(user=user)) == []


def test_a_root_folder_does_not_say_who_runs():
    assert found(image=ImageIdentity("rootfs"), config=ImageConfig()) == []


@pytest.mark.parametrize(
    ("end", "number"), [("2026-06-29", 1), ("2026-06-30", 0), ("2027-01-01", 0), ("", 0)]
)
def test_a_distribution_is_supported_until_the_end_of_its_last_day(end: str, number: int):
    assert len(found(distro=Distro("debian", "10", end_of_life=end))) == number


def test_findings_come_worst_first_and_then_by_place():
    files = (
        ImageFile("usr/bin/su", "setuid", mode=0o104755),
        ImageFile("usr/bin/at", "setuid", mode=0o106755),
        ImageFile("usr/bin/wall", "setgid", mode=0o102755),
        ImageFile("srv/id_rsa", "secret", "private key in line 1", 0o600),
    )
    assert found(files=files) == [
        ("high", "Credential in the image", "srv/id_rsa", "private key in line 1"),
        ("low", "Set-gid file", "usr/bin/wall", "mode 2755"),
        ("low", "Set-uid file", "usr/bin/at", "mode 6755"),
        ("low", "Set-uid file", "usr/bin/su", "mode 4755"),
    ]
