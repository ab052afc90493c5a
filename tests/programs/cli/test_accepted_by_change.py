"""A change that accepts its own findings: nothing of that counts before someone approves it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import formats_for
from leadline.programs.cli.main import main
from leadline.scans.options import PostureOptions
from leadline.scans.posture.settings_before import settings_before

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
POD = """apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: shop{annotations}
spec:
  containers:
  - name: one
    image: busybox@sha256:{digest}
    securityContext:
      privileged: true{comment}
"""
ACCEPT = "\n  annotations: {leadline.dev/accept: C-0057, leadline.dev/accept-reason: reads devices}"
COMMENT = "  # leadline: accept C-0057 reads devices"
EXCEPTION = """apiVersion: kubescape.io/v1
kind: ClusterSecurityException
metadata: {name: all}
spec:
  reason: because
  posture: [{controlID: C-0057, action: ignore}]
"""
WAIVERS = "waivers: [{reason: because, owner: platform, match: {controls: [C-0057], names: [%s]}}]\n"
HEAD = "accepted by this change: 1, waiting for approval"
GATE = ("scan", "control", "C-0057", "deploy", "--since", "HEAD", "--severity-threshold", "high")


def pod(name: str = "web", annotations: str = "", comment: str = "") -> str:
    return POD.format(name=name, annotations=annotations, comment=comment, digest="0" * 64)


@pytest.fixture(autouse=True)
def in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "deploy").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    git("init", "-q")
    write("deploy/good.yaml", pod("good").replace("privileged: true", "privileged: false"))


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, env=GIT)


def write(path: str, text: str) -> None:
    """And commits it: it was there before the change."""
    Path(path).write_text(text)
    git("add", "-A")
    git("commit", "-qm", "x")


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    return (code, *capfd.readouterr())


def waivers_file() -> tuple[str, ...]:
    Path("waivers.yaml").write_text(WAIVERS % "web")
    return ("--waivers", "waivers.yaml")


def settings_file() -> tuple[str, ...]:
    Path("leadline.toml").write_text('exclude-path = ["web.yaml"]\n')
    return ()


def ignore_file() -> tuple[str, ...]:
    Path("deploy/.leadlineignore").write_text("web.yaml\n")
    return ()


WAYS = {
    "annotation": lambda: Path("deploy/web.yaml").write_text(pod(annotations=ACCEPT)) and (),
    "comment": lambda: Path("deploy/web.yaml").write_text(pod(comment=COMMENT)) and (),
    "exception": lambda: Path("deploy/all.yaml").write_text(EXCEPTION) and (),
    "waivers": waivers_file,
    "settings": settings_file,
    "ignored": ignore_file,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_change_adds_to_accept_passes_no_gate_until_it_is_approved(capfd, way):
    Path("deploy/web.yaml").write_text(pod())
    words = WAYS[way]() or ()
    code, out, _ = run(capfd, *GATE, *words, "-f", "pretty")
    assert code == 1
    number = 0 if way in ("settings", "ignored") else 1
    assert f"accepted by this change: {number}, waiting for approval" in "\n".join(out.splitlines()[:4])
    assert run(capfd, *GATE, *words, "--accept-from-change")[0] == 0


@pytest.mark.parametrize("way", WAYS)
def test_what_was_accepted_before_the_change_is_accepted(capfd, way):
    Path("deploy/web.yaml").write_text(pod())
    words = WAYS[way]() or ()
    git("add", "-A")
    git("commit", "-qm", "x")
    path = Path("deploy/web.yaml")
    path.write_text("# the line moves\n" + path.read_text())
    code, out, _ = run(capfd, *GATE, *words, "-f", "pretty")
    assert code == 0
    assert "by this change" not in out


def test_an_approved_comment_accepts_nothing_where_it_is_copied_to(capfd):
    write("deploy/web.yaml", pod(comment=COMMENT))
    Path("deploy/other.yaml").write_text(pod("other", comment=COMMENT))
    code, out, _ = run(capfd, *GATE, "-f", "pretty")
    assert code == 1
    assert HEAD in out


def test_a_broader_waiver_waits_and_a_narrower_one_does_not(capfd):
    Path("deploy/web.yaml").write_text(pod())
    write("waivers.yaml", WAIVERS % "w*")
    Path("waivers.yaml").write_text(WAIVERS % "web")
    assert run(capfd, *GATE, "--waivers", "waivers.yaml")[0] == 0
    Path("deploy/other.yaml").write_text(pod("other"))
    Path("waivers.yaml").write_text(WAIVERS % "'*'")
    code, out, _ = run(capfd, *GATE, "--waivers", "waivers.yaml", "-f", "pretty")
    assert code == 1
    assert HEAD in out
    assert "C-0057 on shop/Pod/other: because (owner platform)" in " ".join(out.split())


def test_removed_settings_count_as_they_were(capfd):
    write("leadline.toml", 'severity-threshold = "high"\n')
    Path("leadline.toml").unlink()
    Path("deploy/web.yaml").write_text(pod())
    code, out, _ = run(capfd, "scan", "control", "C-0057", "deploy", "--since", "HEAD", "-f", "pretty")
    assert code == 1
    assert "leadline.toml" in out


def test_a_nearer_file_of_settings_does_not_take_the_place_of_the_one_before(capfd, monkeypatch):
    write("leadline.toml", 'severity-threshold = "high"\n')
    Path("deploy/leadline.toml").write_text('exclude-path = ["web.yaml"]\n')
    Path("deploy/web.yaml").write_text(pod())
    monkeypatch.chdir("deploy")
    assert run(capfd, "scan", "control", "C-0057", ".", "--since", "HEAD")[0] == 1


def test_an_ignore_file_that_links_to_another_adds_nothing(capfd):
    write("deploy/ignored", "web.yaml\n")
    Path("deploy/.leadlineignore").symlink_to("ignored")
    Path("deploy/web.yaml").write_text(pod())
    assert run(capfd, *GATE)[0] == 1


def test_every_format_says_at_the_top_what_waits(capfd):
    Path("deploy/web.yaml").write_text(pod(annotations=ACCEPT))
    for name in formats_for(PostureReport):
        if name in ("baseline", "pdf", "report"):
            continue  # the first two of machines alone, the third is for people who have typst
        out = run(capfd, *GATE, "-f", name, "-q")[1]
        words = ("by_change", "by-this-change", "ByThisChange", HEAD)
        assert any(word in out for word in words), name
        assert "reads devices" in out or name == "prometheus", name
    assert json.loads(run(capfd, *GATE, "-f", "json", "-q")[1])["acceptedByThisChange"]["number"] == 1
    assert run(capfd, *GATE, "-f", "report", "-q")[1].count('"is_approved"') <= 1


def test_approval_belongs_to_a_change(capfd):
    code, _, err = run(capfd, "scan", "deploy", "--accept-from-change")
    assert code == 2
    assert "--accept-from-change belongs to --since" in err


FRAMEWORK = 'name = "ours"\ntitle = "Ours"\ndescription = "x"\n[[controls]]\nid = "C-0057"\n'
OWN = """from leadline.posture.control import Container, Violations, control


@control("C-0057", "Privileged container", score=8.0, category="Workload")
def nothing_is_privileged(container: Container) -> Violations:
    \"\"\"Nothing.\"\"\"
    yield from ()
"""


def counted(capfd, *flags: str) -> tuple[int, list[str], list[str]]:
    """Exit code, controls that fail, and files that count as they were."""
    capfd.readouterr()
    code = main(
        ["scan", "deploy", "--since", "HEAD", "--severity-threshold", "high", "--format", "json", *flags]
    )
    found = json.loads(capfd.readouterr().out)
    failed = [id for id, one in found["summaryDetails"]["controls"].items() if one["status"] == "failed"]
    return code, failed, found.get("acceptedByThisChange", {}).get("changedFiles", [])


def test_settings_that_a_change_loosens_count_as_they_were(capfd):
    write("ours.json", json.dumps({"settings": {"insecureCapabilities": ["NET_RAW"]}}))
    Path("deploy/new.yaml").write_text(
        pod("new").replace("privileged: true", 'capabilities: {add: ["NET_RAW"]}')
    )
    flags = ("--controls-config", "ours.json")
    Path("ours.json").write_text(json.dumps({"settings": {"insecureCapabilities": []}}))
    code, failed, changed = counted(capfd, *flags)
    assert (code, "C-0046" in failed, changed) == (1, True, ["ours.json"])
    assert "C-0046" not in counted(capfd, *flags, "--accept-from-change")[1]


def test_settings_that_a_change_adds_do_not_count(capfd):
    Path("deploy/new.yaml").write_text(
        pod("new").replace("privileged: true", 'capabilities: {add: ["NET_ADMIN"]}')
    )
    Path("ours.json").write_text(json.dumps({"settings": {"insecureCapabilities": []}}))
    code, failed, changed = counted(capfd, "--controls-config", "ours.json")
    assert (code, "C-0046" in failed, changed) == (1, True, ["ours.json"])


def test_a_control_that_a_change_takes_out_of_a_framework_counts(capfd):
    write("ours.toml", FRAMEWORK)
    Path("deploy/new.yaml").write_text(pod("new"))
    Path("ours.toml").write_text(FRAMEWORK.replace("C-0057", "C-0016"))
    code, failed, changed = counted(capfd, "--framework-file", "ours.toml")
    assert (code, failed, changed) == (1, ["C-0057"], ["ours.toml"])


def test_a_control_of_the_change_takes_no_place_of_another(capfd):
    Path("deploy/new.yaml").write_text(pod("new"))
    Path("own").mkdir()
    Path("own/nothing.py").write_text(OWN)
    code, failed, changed = counted(capfd, "--controls", "own")
    assert (code, "C-0057" in failed, changed) == (1, True, ["own"])
    git("add", "-A")
    git("commit", "-qm", "x")
    Path("deploy/new.yaml").write_text(pod("newer"))
    assert "C-0057" not in counted(capfd, "--controls", "own")[1]


def test_a_key_beside_the_policy_of_signatures_is_the_one_of_before():
    Path("trust").mkdir()
    policy = "version: 1\npolicies:\n- images: ['*']\n  signers:\n  - {key: keys/a.pem}\n"
    write("trust/policy.yaml", policy)
    Path("trust/keys").mkdir()
    write("trust/keys/a.pem", "old")
    options = PostureOptions(trust_policy="trust/policy.yaml", environ=GIT)
    with settings_before("deploy", "HEAD", options) as (same, changed):
        assert (same.trust_policy, changed) == ("trust/policy.yaml", ())
    Path("trust/keys/a.pem").write_text("mine")
    with settings_before("deploy", "HEAD", options) as (found, changed):
        assert changed == ("trust/policy.yaml",)
        assert Path(found.trust_policy).read_text() == policy
        assert Path(found.trust_policy).with_name("keys").joinpath("a.pem").read_text() == "old"
    assert not Path(found.trust_policy).exists()


FIX = ("fix", "control", "C-0057", "deploy", "--since", "HEAD", "--gate", "high", "--risky")


@pytest.mark.parametrize("way", WAYS)
def test_a_fix_makes_the_edit_that_a_change_would_have_accepted(capfd, way):
    Path("deploy/web.yaml").write_text(pod())
    words = WAYS[way]() or ()
    approved = run(capfd, *FIX, *words, "--yes", "--accept-from-change")
    assert approved[0] == 0
    assert "privileged: true" in Path("deploy/web.yaml").read_text()
    assert run(capfd, *FIX, *words, "--yes")[0] == 0
    assert "privileged: true" not in Path("deploy/web.yaml").read_text()
    assert run(capfd, *GATE, *words)[0] == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_fix_leaves_what_was_accepted_before_the_change(capfd, way):
    Path("deploy/web.yaml").write_text(pod())
    words = WAYS[way]() or ()
    git("add", "-A")
    git("commit", "-qm", "x")
    path = Path("deploy/web.yaml")
    path.write_text("# the line moves\n" + path.read_text())
    assert run(capfd, *FIX, *words, "--yes")[0] == 0
    assert "privileged: true" in path.read_text()
