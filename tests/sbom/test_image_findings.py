import pytest

from leadline.model.package import Account, Distro, ImageConfig, ImageFile, ImageIdentity, Package, Sbom
from leadline.sbom.findings import image_findings, not_judged
from leadline.sbom.identity.accounts import accounts_in

TODAY = "2026-06-30"


def bill(**fields: object) -> Sbom:
    return Sbom(
        **{
            "image": ImageIdentity("x", id="sha256:a", platform="linux/amd64"),
            "packages": (),
            "config": ImageConfig(user="app"),
            "accounts": (Account("app", 100), Account("rooter", 7)),
            **fields,
        }
    )  # type: ignore[arg-type]


def found(*, is_document: bool = False, **fields: object) -> list[tuple[str, str, str, str]]:
    findings = image_findings(bill(**fields), TODAY, is_document=is_document)
    return [(one.severity, one.title, one.where, one.detail) for one in findings]


def test_an_image_may_have_nothing_to_tell():
    assert found() == []


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:app", "root:1000", "00", "+0:1", "-0", ":0"])
def test_root_in_all_its_spellings_is_a_finding(user: str):
    assert [row[:3] for row in found(config=ImageConfig(user=user))] == [
        ("medium", "Runs as root", "configuration")
    ]


@pytest.mark.parametrize("user", ["1000", "app", "10:0", "rooter", "2147483647"])
def test_another_user_is_none(user: str):
    assert found(config=ImageConfig(user=user)) == []


ACCOUNTS = accounts_in(b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\napp:x:100:100::/:/bin/sh\n")


def test_a_name_that_the_image_itself_calls_number_0_is_root():
    assert found(config=ImageConfig(user="toor:app"), accounts=ACCOUNTS) == [
        ("medium", "Runs as root", "configuration", "user toor:app, which is number 0 in etc/passwd")
    ]


def test_a_number_that_older_runtimes_cut_down_to_0_is_root():
    assert found(config=ImageConfig(user="4294967296:5")) == [
        ("medium", "Runs as root", "configuration", "user 4294967296:5, which older runtimes cut down to 0")
    ]


@pytest.mark.parametrize(
    ("user", "detail"),
    [
        ("svc", "user svc is not in etc/passwd"),
        (" 0", "user  0 is not in etc/passwd"),
        ("0x0", "user 0x0 is not in etc/passwd"),
        ("9" * 30, f"user {'9' * 30} is not in etc/passwd"),
        ("2147483648", "user 2147483648 is not a valid user id"),
        ("-1:0", "user -1:0 is not a valid user id"),
    ],
)
def test_a_user_that_no_runtime_finds_is_a_finding(user: str, detail: str):
    assert found(config=ImageConfig(user=user), accounts=ACCOUNTS) == [
        ("low", "Unknown user", "configuration", detail)
    ]


def test_an_image_without_accounts_knows_numbers_and_root_only():
    assert found(config=ImageConfig(user="app"), accounts=()) == [
        ("low", "Unknown user", "configuration", "user app, and there is no etc/passwd")
    ]
    assert found(config=ImageConfig(user="65532:65532"), accounts=()) == []
    assert [row[1] for row in found(config=ImageConfig(user="root"), accounts=())] == ["Runs as root"]


def test_a_name_is_not_judged_where_the_accounts_were_not_read():
    unknown = bill(config=ImageConfig(user="svc"), accounts=None)
    assert image_findings(unknown, TODAY, is_document=False) == ()
    assert not_judged(unknown, is_document=False) == (
        "etc/passwd was not read, so it is not known whether user svc is root",
    )
    assert not_judged(bill(config=ImageConfig(user="1000")), is_document=False) == ()


def test_windows_has_no_root_but_an_administrator():
    windows = ImageIdentity("x", id="sha256:a", platform="windows/amd64")
    assert found(image=windows, config=ImageConfig(user="ContainerUser"), accounts=()) == []
    assert found(image=windows, config=ImageConfig(), accounts=()) == []
    assert not_judged(bill(image=windows, config=ImageConfig()), is_document=False) == (
        "no user is set, and who that is depends on the edition of Windows",
    )
    assert [row[3] for row in found(image=windows, config=ImageConfig(user="ContainerAdministrator"))] == [
        "user ContainerAdministrator"
    ]


def test_a_root_folder_does_not_say_who_runs():
    folder = ImageIdentity("rootfs", kind="directory")
    assert found(image=folder, config=ImageConfig()) == []
    assert not_judged(bill(image=folder), is_document=False) == (
        "a folder has no configuration, so the user that will run in it is not known",
    )


UNKNOWN_USER = {"config": ImageConfig(ports=("22/tcp",))}


def test_a_document_does_not_say_who_runs():
    assert found(is_document=True, **UNKNOWN_USER) == []


def test_a_configuration_that_was_not_read_does_not_say_who_runs():
    unread = bill(image=ImageIdentity("x", id="sha256:a"), **UNKNOWN_USER)
    assert image_findings(unread, TODAY, is_document=False) == ()
    assert not_judged(unread, is_document=False) == (
        "the configuration was not read, so the user that will run in it is not known",
    )


def test_ports_by_which_a_container_is_steered_are_findings():
    ports = (
        "22/tcp",
        "80/tcp",
        "514/udp",
        "9229",
        "2375/TCP",
        "5005-5010/tcp",
        "x/tcp",
        "٢٢/tcp",
        "9" * 5000,
    )
    assert found(config=ImageConfig(user="app", ports=ports)) == [
        ("low", "Port for remote control", "(configuration) port 22/tcp", "SSH"),
        ("low", "Port for remote control", "(configuration) port 2375/TCP", "Docker without TLS"),
        ("low", "Port for remote control", "(configuration) port 9229", "debugger of Node.js"),
    ]


@pytest.mark.parametrize(
    ("end", "number"), [("2026-06-29", 1), ("2026-06-30", 0), ("2027-01-01", 0), ("", 0)]
)
def test_a_distribution_is_supported_until_the_end_of_its_last_day(end: str, number: int):
    assert len(found(distro=Distro("debian", "10", end_of_life=end))) == number


@pytest.mark.parametrize(
    ("distro", "is_open"),
    [
        (Distro("own", "1"), True),
        (Distro("debian", "12", end_of_life="2028-06-30"), False),
        (Distro("wolfi", "20230201"), False),
        (Distro("busybox", "1.36"), False),
        (Distro(), False),
    ],
)
def test_a_release_whose_end_is_not_known_is_said_to_be_so(distro: Distro, is_open: bool):
    told = "how long own 1 gets security updates is not known"
    assert (told in not_judged(bill(distro=distro), is_document=False)) is is_open
    assert (told in not_judged(bill(distro=distro), is_document=True)) is is_open


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


def test_keys_that_many_people_have_weigh_less():
    key = "private key in line 1"
    files = tuple(
        ImageFile(path, "secret", key)
        for path in (
            "srv/node_modules/x/a.key",
            "usr/share/x/b.key",
            "etc/x/c.key",
            "usr/share/own.key",
            "srv/test/d.key",
        )
    )
    packages = (Package("deb", "x", "1", files=("usr/share/x/b.key", "etc/x/c.key")),)
    assert [row[:3] for row in found(files=files, packages=packages)] == [
        ("high", "Credential in the image", "etc/x/c.key"),
        ("high", "Credential in the image", "usr/share/own.key"),
        ("low", "Sample credential", "srv/node_modules/x/a.key"),
        ("low", "Sample credential", "srv/test/d.key"),
        ("low", "Sample credential", "usr/share/x/b.key"),
    ]
