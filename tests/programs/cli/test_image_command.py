"""``leadline image sbom`` and ``leadline scan image`` from the words typed to the exit code."""

import io
import json
from pathlib import Path

import pyrage
import pytest

from image_archives import Blobs, compressed, docker_archive, entry, layer, write_files
from registry_server import Server, serving
from signing import new_key, pem

pytestmark = pytest.mark.usefixtures("own_image_place")

STATUS = b"""Package: bash
Status: install ok installed
Version: 5.2.15-2+b7
Architecture: amd64
Depends: libc6

Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64
Source: glibc
"""
FILES: dict[str, bytes | str | None] = {
    "etc/os-release": b'ID=debian\nVERSION_ID="10"\nPRETTY_NAME="Debian GNU/Linux 10"\n',
    "var/lib/dpkg/status": STATUS,
    "srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2.0.0", "license": "MIT"}',
    "srv/app/.env": b"AWS_ACCESS_KEY_ID=AKIAABCDEFGHIJKLMNOP\n",
}
LAYER = layer(FILES, [entry("usr/bin/su", b"0", mode=0o4755)])


@pytest.fixture
def archive(tmp_path: Path) -> str:
    docker_archive(tmp_path / "web.tar", [LAYER], User="")
    return "web.tar"


def test_the_table_of_an_archive(run, archive):
    assert run("image", "sbom", archive) == (
        0,
        "web.tar   debian 10, end of life since 2024-06-30, linux/amd64, 1 layer, 1 MB\n"
        "\n"
        "deb            2\n"
        "npm            1   ms 2.0.0\n"
        "not read       0\n"
        "written     none (use --format spdx-json --output sbom.json)\n"
        "\n"
        "3 packages, all input read\n",
        "",
    )


@pytest.mark.parametrize(
    "words", [("sbom", "-f", "spdx-json"), ("scan", "-f", "json"), ("scan", "-f", "html")]
)
def test_what_is_written_about_an_image_can_be_for_recipients_alone(run, archive, words, tmp_path: Path):
    identity = pyrage.x25519.Identity.generate()
    recipients = tmp_path / "recipients.txt"
    recipients.write_text(f"# ours\n{identity.to_public()}\n")
    code, _, _ = run("image", *words, archive, "--encrypt", str(recipients), "-o", "web.out")
    assert code == 0
    content = Path("web.out.age").read_bytes()
    assert b"libc6" not in content
    whole = pyrage.decrypt(content, [identity])
    run("image", *words, archive, "-o", "plain.out")
    assert len(whole) == len(Path("plain.out").read_bytes())
    assert not Path("web.out").exists()


def test_a_scan_tells_what_helps_an_attacker_and_what_was_not_done(run, archive):
    code, out, err = run("scan", "image", archive)
    assert (code, err) == (0, "")
    assert out == (
        "web.tar   debian 10, end of life since 2024-06-30, linux/amd64, 1 layer, 1 MB\n"
        "\n"
        "high      Credential in the image               1   srv/app/.env\n"
        "high      Distribution past its end of life     1   debian 10 since 2024-06-30\n"
        "medium    Runs as root                          1   no user is set\n"
        "low       Set-uid file                          1   usr/bin/su: mode 4755\n"
        "\n"
        "deb            2\n"
        "npm            1   ms 2.0.0\n"
        "not read       0\n"
        "not done    vulnerabilities: not matched, no database found (leadline db fetch)\n"
        "            files not searched for credentials: 1 in folders that packages fill\n"
        "more        -v shows every place and what to do about it\n"
        "\n"
        "4 findings: 2 high, 1 medium, 1 low; vulnerabilities not matched\n"
    )
    assert "AKIA" not in out


@pytest.mark.parametrize("threshold", ["low", "critical"])
def test_no_gate_passes_for_vulnerabilities_that_nobody_looked_for(run, archive, threshold):
    code, out, err = run("scan", "image", archive, "--severity-threshold", threshold)
    assert (code, err) == (
        3,
        "leadline: --severity-threshold cannot be judged without a vulnerability database;"
        " get one with 'leadline db fetch'; --fail-on unread works without\n",
    )
    assert "high      Credential in the image" in out
    assert f"failed: --severity-threshold {threshold}, vulnerability database not found" in out


def test_a_gate_on_what_was_not_read_passes_where_all_was(run, archive):
    code, out, _ = run("scan", "image", archive, "--fail-on", "unread")
    assert (code, out.splitlines()[-1]) == (0, "passed: --fail-on unread")


def test_what_was_not_read_can_fail_the_command(run, tmp_path):
    docker_archive(tmp_path / "bad.tar", [layer({**FILES, "srv/x.jar": b"PK\x03\x04 cut off"})])
    code, out, _ = run("image", "sbom", "bad.tar", "--fail-on", "unread")
    assert code == 1
    assert "not read       1\n  srv/x.jar" in out
    assert out.splitlines()[-1] == "failed: --fail-on unread, 1 not read"


def test_several_formats_are_written_beside_each_other(run, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    words = (
        "image",
        "sbom",
        archive,
        "-f",
        "spdx-json, cyclonedx-json,",
        "-f",
        " syft-json",
        "-o",
        "out/sbom.json",
    )
    code, out, err = run(*words)
    assert (code, out) == (0, "")
    assert err == (
        "written: out/sbom.spdx.json\nwritten: out/sbom.cdx.json\nwritten: out/sbom.syft.json\nall input read\n"
    )
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert sorted(first) == ["sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json"]
    assert json.loads(first["sbom.spdx.json"])["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    run(*words, "--no-cache")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def test_a_bill_of_materials_can_be_asked_of_a_scan(run, archive):
    code, out, err = run("scan", "image", archive, "--format", "cyclonedx-json")
    assert (code, json.loads(out)["bomFormat"]) == (0, "CycloneDX")
    assert err == "all input read, 4 findings, vulnerabilities not matched\n"


@pytest.mark.parametrize("format", ["spdx-json", "cyclonedx-json", "syft-json"])
def test_a_finished_document_stands_in_for_its_image(run, archive, format):
    run("image", "sbom", archive, "--format", format, "--output", "sbom.json")
    code, out, _ = run("image", "sbom", "sbom.json")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith(("deb", "npm", "not read"))] == [
        "deb            2",
        "npm            1   ms 2.0.0",
        "not read       0",
    ]
    assert out.startswith("web.tar")


def test_a_document_may_come_through_a_pipe(run, archive, monkeypatch):
    _, document, _ = run("image", "sbom", archive, "--format", "spdx-json")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(document.encode())))
    code, out, _ = run("image", "sbom", "-")
    assert (code, out.splitlines()[-1]) == (0, "3 packages, all input read")


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_an_image_through_a_pipe_is_told_apart_from_a_document(run, archive, monkeypatch, how):
    content = compressed(Path(archive).read_bytes(), how)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run("image", "sbom", "-") == (
        3,
        "",
        "leadline: standard input is an archive; an image must be in a file;"
        " save it first: docker save IMAGE -o image.tar\n",
    )


def test_an_image_without_packages_is_no_error_and_not_clean(run, tmp_path):
    docker_archive(tmp_path / "scratch.tar", [layer({"hello": b"x"})], User="1000")
    code, out, _ = run("scan", "image", "scratch.tar")
    assert code == 0
    assert "packages       0   none of the known kinds" in out
    assert out.endswith("no findings; vulnerabilities not matched\n")


def test_a_scan_of_a_document_says_what_such_a_document_does_not_hold(run, archive):
    run("image", "sbom", archive, "--format", "spdx-json", "--output", "sbom.json")
    _, out, _ = run("scan", "image", "sbom.json")
    assert "not done    vulnerabilities: not matched, no database found (leadline db fetch)\n" in out
    assert "            files and configuration are not in a SBOM\n" in out
    assert "Runs as root" not in out


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("toor", "Runs as root 1 user toor, which is number 0 in etc/passwd"),
        ("svc", "Unknown user 1 user svc is not in etc/passwd"),
        ("web", "no findings"),
    ],
)
def test_a_user_is_looked_up_in_the_image_also_where_its_layers_are_remembered(run, tmp_path, user, told):
    passwd = layer({"etc/passwd": b"root:x:0:0::/:\ntoor:x:0:0::/:\nweb:x:33:33::/:\n"})
    docker_archive(tmp_path / "first.tar", [passwd], User="web")
    docker_archive(tmp_path / "second.tar", [passwd], User=user)
    assert "Runs as root" not in run("scan", "image", "first.tar")[1]
    cached = run("scan", "image", "second.tar")[1]
    assert told in " ".join(cached.split())
    assert cached.replace("1 MB", "") == run("scan", "image", "--no-cache", "second.tar")[1].replace(
        "1 MB", ""
    )


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("../usr/share/passwd", "no findings"),
        ("../run/passwd", "etc/passwd was not read, so it is not known whether user svc is"),
    ],
)
def test_accounts_behind_a_link_are_found_or_not_called_absent(run, tmp_path, target: str, told: str):
    linked = layer({"usr/share/passwd": b"svc:x:5:5::/:\n"}, [entry("etc/passwd", b"2", target)])
    docker_archive(tmp_path / "linked.tar", [linked], User="svc")
    _, out, _ = run("scan", "image", "linked.tar")
    assert "Unknown user" not in out
    assert told in out


def test_a_scan_of_a_root_folder_says_that_it_has_no_configuration(run, tmp_path):
    write_files(tmp_path / "root", {"etc/os-release": b"ID=alpine\nVERSION_ID=3.99\n"})
    _, out, _ = run("scan", "image", "root")
    assert "a folder has no configuration, so the user that will run in it is\n            not known\n" in out


def test_a_project_is_catalogued_by_its_lock_files(run, tmp_path):
    lock = {"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.0.0"}}}
    write_files(tmp_path / "app", {"package-lock.json": json.dumps(lock).encode()})
    code, out, _ = run("image", "sbom", "app")
    assert code == 0
    assert "npm            1   ms 2.0.0" in out


def test_lock_files_inside_an_image_are_not_installed_packages(run, tmp_path):
    lock = {"lockfileVersion": 3, "packages": {"node_modules/gone": {"version": "2.0.0"}}}
    docker_archive(tmp_path / "x.tar", [layer({**FILES, "srv/package-lock.json": json.dumps(lock).encode()})])
    assert "gone" not in run("image", "sbom", "x.tar", "-v")[1]


def test_the_verbose_list_has_name_version_type_and_place(run, archive):
    _, out, _ = run("image", "sbom", archive, "-v")
    assert "ms     2.0.0        npm  srv/node_modules/ms/package.json\n" in out


@pytest.mark.parametrize("width", [60, 80])
def test_one_long_name_does_not_widen_the_whole_list(run, tmp_path, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    entry = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: all\n"
    status = "\n".join([entry.format("a", "1.0"), entry.format("n" * 50, "1" * 50)])
    docker_archive(tmp_path / "x.tar", [layer({"var/lib/dpkg/status": status.encode()})])
    _, out, _ = run("image", "sbom", "x.tar", "-v")
    assert [len(line) <= width for line in out.splitlines() if line.startswith("a ")] == [True]
    assert f"{'n' * 50}  {'1' * 50}  deb\n" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("image", "sbom", "gone.tar"), 3, "there is no gone.tar; name an archive, an OCI layout, a folder or an image"),
        (("image", "sbom", "No/Image"), 2, "not an image: No/Image; write it as registry/repository:tag"),
        (("image", "sbom", ""), 2, "an argument is empty; is a variable of the shell unset?"),
        (("image", "sbom", "empty"), 3, "nothing to catalogue in empty: no lock file, no installed package; name an image, a root folder or a project"),
        (("image", "sbom", "zero"), 3, "zero is empty; name an archive, an OCI layout, a folder or an image"),
        (("image", "sbom", "Dockerfile"), 3, "Dockerfile is neither an archive nor a SBOM; name an archive, an OCI layout, a folder or an image"),
        (("image", "sbom", "cut.tar"), 3, "cut.tar is damaged: the archive ends in the middle of a file"),
        (("image", "sbom", "pipe"), 3, "pipe is neither a file nor a folder; save it to a file first"),
        (("image", "sbom", "plain.tar"), 3, "plain.tar is an archive but no image; it holds neither manifest.json nor index.json"),
        (("image", "sbom", "part.tar"), 3, "part.tar is an archive but no image; it holds no index.json, which names the images of an OCI layout; archive the folder of a whole layout"),
        (("image", "sbom", "nested.tar"), 3, "nested.tar is an archive but no image; it holds the folder lay; archive what is in that: tar -C lay -cf nested.tar ."),
        (("image", "sbom", "part"), 3, "part holds no index.json, which names the images of an OCI layout; name the folder of a whole layout"),
        (("image", "verify", "part", "--key", "key.pub"), 3, "part holds no index.json, which names the images of an OCI layout; name the folder of a whole layout"),
        (("image", "sbom", "other.json"), 3, "other.json is not an SBOM; SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too"),
        (("image", "sbom", "sbom:gone.json"), 3, "cannot read gone.json: no such file or directory"),
        (("image", "sbom", "empty", "--format", "spdx"), 2, "unknown format spdx; did you mean spdx-json?"),
        (("scan", "image", "empty", "--format", "yaml"), 2, "unknown format yaml; there are cyclonedx-json, github, gitlab, grype-json, html, json, junit, markdown, openvex, prometheus, sarif, table"),
        (("image", "sbom", "empty", "-f", "table,spdx-json"), 2, "several formats need --output FILE; for example: --format table,spdx-json --output report"),
        (("image", "sbom", "empty", "--fail-on", "all"), 2, "--fail-on knows unread (got all)"),
        (("scan", "image", "empty", "--severity-threshold", "hgih"), 2, "--severity-threshold must be one of low, medium, high, critical (got hgih)"),
        (("scan", "image", "empty", "--deny-licence", " , "), 2, "--deny-licence or --deny-license is empty; use --deny-licence SPDX, or leave --deny-licence away"),
        (("scan", "image", "empty", "--exit-code", "x"), 2, "invalid value for '--exit-code': 'x' is not a whole number; leadline image scan --help shows what there is"),
        (("migrate", "plain.tar"), 3, "nothing of another scanner in plain.tar; name the folder that it is in: leadline migrate ."),
        (("image", "sbom", "x/y", "-u", "ann"), 2, "--username needs a password; pipe it in with --password-stdin, or set LEADLINE_REGISTRY_PASSWORD"),
        (("image", "sbom", "x/y", "--password-stdin"), 2, "--password-stdin needs --username"),
        (("image", "sbom", "x/y", "--mirror", "z"), 2, "--mirror takes REGISTRY=HOST (got z); for example docker.io=mirror.example"),
        (("image", "sbom", "localhost:1/x"), 3, "cannot reach localhost:1: connection refused; an image in a file needs no registry: docker save IMAGE -o image.tar"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line(run, tmp_path, words, code, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero").touch()
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n" * 100)
    docker_archive(tmp_path / "cut.tar", [LAYER])
    (tmp_path / "cut.tar").write_bytes((tmp_path / "cut.tar").read_bytes()[:2000])
    (tmp_path / "plain.tar").write_bytes(layer({"hello": b"x"}))
    (tmp_path / "part.tar").write_bytes(layer({"oci-layout": b"{}", "blobs/sha256/a": b"{}"}))
    (tmp_path / "nested.tar").write_bytes(layer({"lay/index.json": b"{}", "lay/oci-layout": b"{}"}))
    (tmp_path / "part/blobs/sha256").mkdir(parents=True)
    (tmp_path / "key.pub").write_bytes(pem(new_key()))
    import os

    os.mkfifo(tmp_path / "pipe")
    assert run(*words) == (code, "", f"leadline: {message}\n")


def test_another_platform_than_asked_for_is_refused(run, archive):
    assert run("image", "sbom", archive, "--platform", "arm64") == (
        2,
        "",
        "leadline: web.tar is for linux/amd64, not for linux/arm64; ask for that platform, or for none\n",
    )
    assert run("image", "sbom", archive, "--platform", "linux/amd64")[0] == 0


def test_a_moment_that_is_none_is_refused(run, archive, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert run("image", "sbom", archive) == (
        2,
        "",
        "leadline: SOURCE_DATE_EPOCH must be seconds since 1970 (got soon)\n",
    )


def test_nothing_is_left_of_a_file_that_was_not_finished(run, tmp_path):
    assert run("image", "sbom", "gone.tar", "-f", "spdx-json", "-o", "sbom.json")[0] == 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("sbom")] == []


# Registries


def served(**settings: object) -> Server:
    server = Server(blobs=Blobs(), **settings)  # type: ignore[arg-type]
    descriptor = server.blobs.image([LAYER])
    server.tags["shop/web:1"] = str(descriptor["digest"])
    return server


def test_an_image_of_a_registry_is_read_once(run):
    with serving(served()) as server:
        name = f"{server.host}/shop/web:1"
        code, first, _ = run("image", "sbom", name, "--insecure")
        assert (code, first.splitlines()[-1]) == (0, "3 packages, all input read")
        asked = len([path for path in server.paths() if "/blobs/" in path])
        again = run("image", "sbom", name, "--insecure")
        assert again[:2] == (0, first)
        assert len([path for path in server.paths() if "/blobs/" in path]) == asked
        run("image", "sbom", name, "--insecure", "--no-cache")
        assert len([path for path in server.paths() if "/blobs/" in path]) > asked


def test_credentials_come_from_the_environment_or_a_pipe(run, monkeypatch):
    with serving(served(auth="basic", users={"ann": "s3cret"})) as server:
        words = ("image", "sbom", f"{server.host}/shop/web:1", "--insecure", "--no-cache")
        code, out, err = run(*words)
        assert (code, out, err.count("\n")) == (3, "", 1)
        monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))
        assert run(*words, "--username", "ann", "--password-stdin")[0] == 0
        monkeypatch.setenv("LEADLINE_REGISTRY_USERNAME", "ann")
        monkeypatch.setenv("LEADLINE_REGISTRY_PASSWORD", "s3cret")
        assert run(*words)[0] == 0
        monkeypatch.setenv("LEADLINE_REGISTRY_PASSWORD", "wrong-one")
        code, out, err = run(*words)
        assert (code, out, err.count("\n"), "wrong-one" in err) == (3, "", 1, False)


def test_credentials_of_the_environment_belong_to_one_registry(run, monkeypatch):
    monkeypatch.setenv("LEADLINE_REGISTRY_USERNAME", "ann")
    monkeypatch.setenv("LEADLINE_REGISTRY_PASSWORD", "s3cret")
    with serving(served(auth="basic", users={"ann": "s3cret"})) as server:
        image = f"{server.host}/shop/web:1"
        words = ("image", "sbom", image, "--insecure", "--no-cache")
        monkeypatch.setenv("LEADLINE_REGISTRY_HOST", server.host)
        assert run(*words)[0] == 0
        seen = len(shown(server))
        monkeypatch.setenv("LEADLINE_REGISTRY_HOST", "other.example")
        code, _, err = run(*words)
        assert (code, "PASSWORD (belongs to other.example)" in err) == (3, True)
        monkeypatch.setenv("LEADLINE_REGISTRY_HOST", "no registry")
        assert (run(*words)[0], run(*words)[2].startswith("leadline: LEADLINE_REGISTRY_HOST names no")) == (
            2,
            True,
        )
        monkeypatch.delenv("LEADLINE_REGISTRY_HOST")
        code, _, err = run("image", "diff", image, image, "--no-cache")
        assert (code, "belongs to no registry: set LEADLINE_REGISTRY_HOST" in err) == (3, True)
        assert len(shown(server)) == seen > 0


def shown(server: Server) -> list[str]:
    """The credentials that were shown to ``server``."""
    return [one for one in (headers.get("Authorization") for _, headers in server.requests) if one]


def test_an_unknown_tag_is_said_in_one_line(run):
    with serving(served()) as server:
        code, out, err = run("image", "sbom", f"{server.host}/shop/web:2", "--insecure")
        assert (code, out) == (3, "")
        assert err == f"leadline: {server.host} has no 2 in shop/web\n"


def test_a_refusal_names_what_was_tried_by_its_place(run, monkeypatch, tmp_path):
    with serving(served(auth="token", users={"ann": "s3cret"})) as server:
        monkeypatch.setenv("LEADLINE_REGISTRY_USERNAME", "ann")
        monkeypatch.setenv("LEADLINE_REGISTRY_PASSWORD", "wrong-one")
        helpers = json.dumps({"credHelpers": {server.host: "absent"}}).encode()
        write_files(tmp_path, {".docker/config.json": helpers})
        code, out, err = run("image", "sbom", f"{server.host}/shop/web:1", "--insecure")
        assert (code, out) == (3, "")
        assert err == (
            f"leadline: {server.host} does not let us read {server.host}/shop/web; log in with docker login {server.host}; credentials tried: "
            "LEADLINE_REGISTRY_USERNAME and LEADLINE_REGISTRY_PASSWORD (the token service says 401), "
            f"credential helper absent of {tmp_path}/.docker/config.json "
            "(docker-credential-absent is not installed), anonymous (the token service says 401)\n"
        )


def test_a_list_of_images_without_the_platform_says_which_it_has(run):
    server = served()
    one = {
        "digest": server.tags["shop/web:1"],
        "size": 1,
        "platform": {"os": "linux", "architecture": "s390x"},
    }
    server.tags["shop/web:2"] = str(server.blobs.index([one])["digest"])
    with serving(server):
        code, out, err = run(
            "image", "sbom", f"{server.host}/shop/web:2", "--insecure", "--platform", "arm64"
        )
        assert (code, out, err) == (
            2,
            "",
            f"leadline: {server.host}/shop/web:2 is not there for linux/arm64;"
            " choose one with --platform: linux/s390x\n",
        )


def test_a_busy_registry_is_asked_again_and_that_is_told(run, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    with serving(served(answers=[(429, {"Retry-After": "7"}), (503, {})])) as server:
        code, out, err = run("image", "sbom", f"{server.host}/shop/web:1")
        assert (code, out.splitlines()[-1]) == (0, "3 packages, all input read")
        again = "leadline: the registry is busy, asking again in {} s\n"
        assert (err, waits) == (again.format(7) + again.format(4), [7, 4])
        server.answers = [(503, {})]
        assert run("image", "sbom", f"{server.host}/shop/web:1", "-q", "--no-cache")[2] == ""


def test_nobody_waits_for_a_registry_forever(run, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    with serving(served(answers=[(429, {"Retry-After": "3600"})])) as server:
        code, _, err = run("image", "sbom", f"{server.host}/shop/web:1")
        assert (code, waits) == (3, [])
        assert err == (
            f"leadline: {server.host} allows no more requests for now;"
            " log in for a higher limit, use a mirror, or wait\n"
        )


def test_a_token_may_stand_in_the_environment(run, monkeypatch):
    with serving(served(auth="token")) as server:
        monkeypatch.setenv("LEADLINE_REGISTRY_TOKEN", "good")
        assert run("image", "sbom", f"{server.host}/shop/web:1", "--insecure")[0] == 0


def test_a_mirror_is_asked_first(run):
    with serving(served()) as mirror:
        words = ("--mirror", f"localhost:1={mirror.host}", "--insecure")
        code, out, _ = run("image", "sbom", "localhost:1/shop/web:1", *words)
        assert (code, out.splitlines()[-1]) == (0, "3 packages, all input read")


HOLLOW = "leadline: nothing could be catalogued in {}: {} not read, the first {}"


@pytest.mark.parametrize("words", [(), ("-f", "syft-json"), ("-q",), ("--fail-on", "unread")])
def test_what_could_not_be_read_at_all_is_no_success(run, tmp_path, words: tuple[str, ...]):
    write_files(tmp_path / "shop", {"Cargo.lock": b"{{{", "package-lock.json": b"{"})
    code, out, err = run("image", "sbom", "shop", *words)
    assert code == 3
    assert "Cargo.lock" in out
    assert err.splitlines()[-1].startswith(HOLLOW.format("shop", 2, "Cargo.lock: rust-lock: not TOML"))


def test_nor_is_it_the_second_time(run, tmp_path):
    docker_archive(tmp_path / "x.tar", [layer({"srv/x.jar": b"PK\x03\x04 cut off"})])
    first = run("image", "sbom", "x.tar", "-f", "cyclonedx-json")
    again = run("image", "sbom", "x.tar", "-f", "cyclonedx-json")
    assert first[0] == again[0] == 3
    assert first[2] == again[2]
    assert HOLLOW.format("x.tar", 1, "srv/x.jar: java: ") in first[2]


def test_one_thing_that_was_read_is_something(run, tmp_path):
    write_files(tmp_path / "shop", {"Cargo.lock": b"{{{", "requirements.txt": b"six==1.16.0\n"})
    code, out, err = run("image", "sbom", "shop")
    assert (code, err) == (0, "")
    assert "packages" not in out.split("\n")[2]


def test_packages_that_could_not_be_read_are_not_said_to_be_of_no_known_kind(run, tmp_path):
    write_files(tmp_path / "shop", {"Cargo.lock": b"{{{"})
    assert "packages       0   none that could be read" in run("image", "sbom", "shop")[1]


def test_a_cache_that_others_can_write_to_decides_nothing(run, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = run("image", "sbom", archive)
    cache = tmp_path / "cache/leadline/layers"
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    cache.chmod(0o777)
    code, out, err = run("image", "sbom", archive)
    assert (code, out) == first[:2]
    assert (
        err == f"leadline: the cache {cache} is not used: others than its owner can write to it (mode 777)\n"
    )
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept
    assert kept
