"""Accepted findings, from the command line: posture and images, every format, every place that a waiver may stand."""

import json

import pytest

from image_archives import docker_archive, layer
from leadline.model.image_report import ImageReport
from leadline.model.report import PostureReport
from leadline.model.vulnerability import FeedDate
from leadline.outputs.format_registry import formats_for
from outputs.sarif_schema import SARIF
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = pytest.mark.usefixtures("own_image_place")

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec:
  hostPID: true
  hostNetwork: true
  containers:
    - name: web
      image: nginx:1.27
      securityContext:
        privileged: true
"""
CONTROLS = "C-0038,C-0041,C-0057"
WAIVER = "waivers: [{name: known, reason: reviewed, match: {controls: [C-0057], names: [web]}}]\n"


@pytest.fixture
def pod(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/pod.yaml").write_text(POD)
    (tmp_path / "w.yaml").write_text(WAIVER)
    return tmp_path / "m/pod.yaml"


def judged(run, *words):
    code, out, err = run("scan", "control", CONTROLS, "m", *words, "-f", "json")
    assert code in (0, 1), err
    found = json.loads(out)
    statuses = {
        c["controlID"]: (c["status"]["status"], c["status"].get("subStatus", ""))
        for r in found["results"]
        for c in r["controls"]
    }
    return code, statuses, found


FAILED, ACCEPTED = ("failed", ""), ("passed", "w/exceptions")


def test_an_accepted_finding_fails_no_gate_and_stays_visible(run, pod):
    code, statuses, found = judged(run, "--waivers", "w.yaml", "--severity-threshold", "low")
    assert code == 1
    assert statuses == {"C-0057": ACCEPTED, "C-0038": FAILED, "C-0041": FAILED}
    [used] = found["coverage"]["waivers"]
    assert (used["name"], used["state"], used["findings"]) == ("known", "used", 1)
    assert found["summaryDetails"]["controls"]["C-0057"]["statusInfo"]["subStatus"] == "w/exceptions"
    words = ("scan", "control", "C-0057", "m", "--waivers", "w.yaml", "--severity-threshold", "low")
    assert run(*words)[0] == 0


def test_an_expired_one_accepts_nothing_and_is_named(run, pod, tmp_path):
    (tmp_path / "w.yaml").write_text(WAIVER.replace("reason:", "expires: 2020-01-01, reason:"))
    _, statuses, found = judged(run, "--waivers", "w.yaml")
    assert statuses["C-0057"] == FAILED
    assert found["coverage"]["waivers"][0]["state"] == "expired"
    out = run("scan", "control", CONTROLS, "m", "--waivers", "w.yaml", "-f", "pretty")[1]
    assert "expired on 2020-01-01, 1 finding no longer accepted" in " ".join(out.split())


def test_marks_on_objects_and_lines_count_until_they_are_dropped(run, pod, tmp_path):
    text = POD.replace(
        "  labels:", "  annotations: {leadline.dev/accept: C-0038, leadline.dev/accept-reason: r}\n  labels:"
    )
    text = text.replace("  hostNetwork: true", "  # leadline: accept C-0041 needs it\n  hostNetwork: true")
    pod.write_text(
        text.replace("privileged: true", "privileged: true  # leadline: accept C-0057 until 2199-01-01 why")
    )
    _, statuses, found = judged(run)
    assert set(statuses.values()) == {ACCEPTED}
    assert {w["kind"] for w in found["coverage"]["waivers"]} == {"annotation", "comment"}
    assert all(w["cameWithTarget"] for w in found["coverage"]["waivers"])
    out = " ".join(run("scan", "control", CONTROLS, "m", "-f", "pretty")[1].split())
    for name in ("leadline.dev/accept on shop/Pod/web", "comment m/pod.yaml:10", "comment m/pod.yaml:16"):
        assert name in out
    _, statuses, _ = judged(run, "--no-waivers-from-target")
    assert set(statuses.values()) == {FAILED}


def test_a_comment_speaks_of_its_own_line_alone(run, pod):
    pod.write_text(POD.replace("hostPID: true", "hostPID: true  # leadline: accept C-0041,C-0057 r"))
    _, statuses, found = judged(run)
    assert set(statuses.values()) == {FAILED}
    assert [w["state"] for w in found["coverage"]["waivers"]] == ["unused"]


@pytest.mark.parametrize(
    "mark", ["# leadline: accept C-0038", "# leadline: accept C-0038 until 2027-99-99 r"]
)
def test_a_mark_without_a_reason_or_with_a_wrong_date_is_named_and_not_in_force(run, pod, mark):
    pod.write_text(POD.replace("hostPID: true", f"hostPID: true  {mark}"))
    _, statuses, found = judged(run)
    assert statuses["C-0038"] == FAILED
    [unread] = found["coverage"]["unread"]
    assert (unread["where"], unread["line"]) == ("m/pod.yaml", 8)


def test_ignore_files_can_be_passed_over(run, pod, tmp_path):
    (tmp_path / "m/.leadlineignore").write_text("pod.yaml\n")
    assert run("scan", "control", CONTROLS, "m")[0] == 3
    _, statuses, _ = judged(run, "--no-waivers-from-target")
    assert statuses["C-0057"] == FAILED


def test_objects_of_exceptions_in_the_tree(run, pod, tmp_path):
    body = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": "x", "namespace": "shop"},
        "spec": {"reason": "r", "posture": [{"controlID": "C-0057", "action": "ignore"}]},
    }
    (tmp_path / "m/se.json").write_text(json.dumps(body))
    assert judged(run)[1]["C-0057"] == ACCEPTED
    body["metadata"]["namespace"] = "other"
    (tmp_path / "m/se.json").write_text(json.dumps(body))
    assert judged(run)[1]["C-0057"] == FAILED


@pytest.mark.parametrize("name", sorted(n for n, f in formats_for(PostureReport).items() if not f.compiled))
def test_every_posture_format_names_what_is_accepted_and_by_whom(run, pod, name):
    out = run("scan", "control", CONTROLS, "m", "--waivers", "w.yaml", "-f", name, "-v")[1]
    numbers = {"prometheus": "leadline_findings_accepted 1", "github": "1 finding accepted by 1 waiver"}
    if name in numbers:
        assert numbers[name] in out
    else:
        assert "reviewed" in out
        assert "known" in out


def test_a_baseline_names_what_is_accepted_and_does_not_know_it(run, pod, tmp_path):
    words = ("scan", "control", CONTROLS, "m")
    written = run(*words, "--waivers", "w.yaml", "-f", "baseline")[1]
    (tmp_path / "old.json").write_text(written)
    found = json.loads(written)
    accepted = {
        "control": "C-0057",
        "object": "/Pod/shop/web",
        "reason": "reviewed (by waiver known in w.yaml)",
    }
    assert found["accepted"] == [accepted]
    assert json.dumps(accepted, separators=(",", ":")) in written.splitlines()
    assert {one["control"] for one in found["findings"]} == {"C-0038", "C-0041"}
    compared = json.loads(run(*words, "--baseline", "old.json", "-f", "json")[1])["baseline"]
    assert (compared["new"], compared["known"]) == (1, 2)


def test_an_odd_waiver_is_told_where_everything_was_read(run, pod, tmp_path):
    (tmp_path / "w.yaml").write_text(
        "waivers: [{name: typo, reason: r, match: {controls: [C-9999], names: [x]}}]"
    )
    for name in ("junit", "policyreport"):
        out = run("scan", "control", CONTROLS, "m", "--waivers", "w.yaml", "-f", name)[1]
        assert "accepts nothing that was found" in out, name


def test_sarif_suppresses_what_is_accepted(run, pod):
    out = json.loads(run("scan", "control", CONTROLS, "m", "--waivers", "w.yaml", "-f", "sarif")[1])
    assert list(SARIF.iter_errors(out)) == []
    by_rule = {r["ruleId"]: r.get("suppressions") for r in out["runs"][0]["results"]}
    assert by_rule["C-0038"] is None
    assert by_rule["C-0057"][0]["status"] == "accepted"
    assert by_rule["C-0057"][0]["justification"] == "reviewed (by waiver known in w.yaml)"


def test_a_file_that_makes_no_sense_is_one_line_and_wrong_usage(run, pod, tmp_path):
    (tmp_path / "w.yaml").write_text("waivers: [{reason: x}]")
    code, out, err = run("scan", "m", "--waivers", "w.yaml")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "w.yaml" in err


def test_what_each_entry_accepts_is_shown(run, pod, tmp_path):
    (tmp_path / "w.yaml").write_text(
        WAIVER.rstrip("]\n") + ", {reason: typo, match: {controls: [C-9999], names: [x]}}]"
    )
    code, out, _ = run("waiver", "test", "w.yaml", "m")
    assert code == 0
    assert "waiver known in w.yaml: reviewed\n  m/pod.yaml:14:" in out
    assert "number 2 in w.yaml: typo\n  accepts nothing that was found" in out
    code, out, _ = run("waiver", "list", "w.yaml")
    assert code == 0
    assert "2 waivers, 0 expired" in out


def test_the_schema_is_printed(run):
    code, out, _ = run("schema", "waivers")
    assert code == 0
    assert "untilFixed" in out


DEBIAN = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n",
}
FACTS = [
    advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9+deb12u7", severity="high"),
    FeedDate("2026-06-30"),
]
IMAGE_WAIVERS = """\
waivers:
  - {name: libc, reason: not reachable, match: {vulnerabilities: [CVE-2024-1000], packages: [libc6], images: ["*.tar"]}}
  - {name: root, reason: sandboxed, match: {controls: [Runs as root], images: ["*.tar"]}}
  - {name: pods, reason: r, match: {controls: [C-0057], names: [web]}}
"""


@pytest.fixture
def image(tmp_path):
    docker_archive(tmp_path / "a.tar", [layer(DEBIAN)])
    docker_archive(tmp_path / "b.tar", [layer(DEBIAN), layer({"x": b"1"})])
    build_of(tmp_path / "v.db", {"debian": FACTS})
    (tmp_path / "i.yaml").write_text(IMAGE_WAIVERS)
    return ("a.tar", "--db", "v.db", "--waivers", "i.yaml")


def test_an_image_takes_the_same_waivers(run, image):
    code, out, _ = run("scan", "image", *image, "--severity-threshold", "low", "-f", "json")
    assert code == 0
    found = json.loads(out)
    assert (found["vulnerabilities"], found["findings"]) == ([], [])
    assert [one["by"] for one in found["suppressed"]] == ["waiver"]
    assert [one["waiver"] for one in found["acceptedFindings"]] == ["root"]
    assert [one["state"] for one in found["waivers"]] == ["used", "used", "not asked"]


def test_over_several_images_each_waiver_is_counted_once(run, image):
    found = json.loads(run("scan", "image", "b.tar", *image, "-f", "json")[1])
    assert [(one["name"], one["findings"]) for one in found["waivers"]] == [
        ("libc", 2),
        ("root", 2),
        ("pods", 0),
    ]


@pytest.mark.parametrize("name", sorted(set(formats_for(ImageReport)) - {"grype-json"}))
def test_every_image_format_shows_what_is_accepted(run, image, name):
    _, out, _ = run("scan", "image", *image, "-f", name)
    words = {
        "prometheus": "leadline_image_accepted_findings{",
        "table": "2 findings accepted by 2 waivers",
        "github": "; 2 findings accepted",
    }
    assert words.get(name, "not reachable") in " ".join(out.split())


def test_accepted_is_not_called_unaffected(run, image):
    vex = json.loads(run("scan", "image", *image, "-f", "openvex")[1])
    assert [one["status"] for one in vex["statements"]] == ["affected"]
    cdx = json.loads(run("scan", "image", *image, "-f", "cyclonedx-json")[1])
    assert [one["analysis"]["response"] for one in cdx["vulnerabilities"]] == [["will_not_fix"]]
    sarif = json.loads(run("scan", "image", *image, "-f", "sarif")[1])
    assert list(SARIF.iter_errors(sarif)) == []
    assert all("suppressions" in one for one in sarif["runs"][0]["results"])


def test_what_each_entry_accepts_in_images_is_shown(run, image):
    code, out, err = run("waiver", "test", "i.yaml", "--image", "a.tar", "--image", "b.tar", "--db", "v.db")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "waiver libc in i.yaml: not reachable",
        "  a.tar  CVE-2024-1000 high libc6 2.36-9",
        "  b.tar  CVE-2024-1000 high libc6 2.36-9",
        "",
        "waiver root in i.yaml: sandboxed",
        "  a.tar  Runs as root configuration",
        "  b.tar  Runs as root configuration",
        "",
        "waiver pods in i.yaml: r",
        "  about what this does not look for, such as controls of objects",
        "",
        "4 findings accepted, 0 findings not",
    ]


def test_an_image_that_cannot_be_read_or_has_no_database_is_no_answer(run, image):
    code, out, err = run("waiver", "test", "i.yaml", "--image", "none.tar", "--db", "v.db")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "none.tar" in err
    code, out, _ = run("waiver", "test", "i.yaml", "--image", "a.tar")
    assert code == 0
    assert out.endswith(
        "vulnerabilities were not looked for in 1 image: no database was found (leadline db fetch)\n"
    )
    code, out, err = run("waiver", "test", "i.yaml", "m", "--image", "a.tar")
    assert (code, out) == (2, "")
    assert err == "leadline: files and images are not judged together; ask about each by itself\n"
