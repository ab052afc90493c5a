from pathlib import Path

import pytest

from leadline.outputs.rows.control_groups import control_groups
from leadline.outputs.rows.edit_rows import cause_rows, row_fix
from leadline.outputs.rows.place import FindingPlaces
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan

TEXT = """\
# leadline: accept L-0108 the base follows its own releases
FROM alpine
ENV A=1
RUN apk add curl
# leadline: accept L-0106 until 2999-01-01 drops its rights itself
USER root
"""


def found_in(top: Path) -> tuple[set[tuple[str, int, str, bool]], list[tuple[str, int]], list[str]]:
    with open_posture_scan([str(top)], PostureOptions()) as scan:
        places = FindingPlaces(scan.report, scan.places)
        findings = set()
        accepted = {id(one.finding) for one in scan.report.waived}
        for one in (*scan.report.findings, *(waived.finding for waived in scan.report.waived)):
            place = places.find(one)
            assert place is not None
            findings.add((place.path, place.line, one.control, id(one) in accepted))
        unread = [(one.where, one.line) for one in scan.report.unread]
        return findings, unread, [one.where for one in scan.report.left_out]


def test_dockerfiles_are_judged_with_the_line_and_comments_accept(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text(TEXT)
    findings, unread, _ = found_in(tmp_path)
    assert findings == {
        ("Dockerfile", 2, "L-0108", True),
        ("Dockerfile", 4, "L-0111", False),
        ("Dockerfile", 6, "L-0106", True),
    }
    assert unread == []


def test_what_cannot_be_read_or_is_filled_in_first_is_named_and_other_files_are_left_alone(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM a\nFOO b\n")
    (tmp_path / "Containerfile").write_bytes(b"FROM a\0")
    (tmp_path / "Dockerfile.j2").write_text("FROM {{ base }}\n")
    (tmp_path / "dockerfile.go").write_text("package dockerfile\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("*\n")
    (tmp_path / "Dockerfile.notes").write_text("see elsewhere\n")
    (tmp_path / "web.Dockerfile").write_text("FROM a@sha256:" + "1" * 64 + "\nUSER 1\n")
    findings, unread, left_out = found_in(tmp_path)
    assert findings == set()
    assert unread == [(str(tmp_path / "Containerfile"), 1), (str(tmp_path / "Dockerfile"), 2)]
    assert left_out == [str(tmp_path / "Dockerfile.j2")]


def test_a_file_that_is_named_and_standard_input_are_dockerfiles_by_how_they_begin(tmp_path: Path):
    text = "# syntax=docker/dockerfile:1\r\n\r\nARG BASE=alpine\r\nFROM $BASE\r\nUSER root\r\n"
    (tmp_path / "build").write_text(text)
    findings, unread, _ = found_in(tmp_path / "build")
    assert findings == {("build", 4, "L-0108", False), ("build", 5, "L-0106", False)}
    assert unread == []
    with open_posture_scan(["-"], PostureOptions(standard_input=text.encode())) as scan:
        places = FindingPlaces(scan.report, scan.places)
        lines = {place.line for one in scan.report.findings if (place := places.find(one))}
        assert lines == {4, 5}
    pod = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  Dockerfile: |\n    FROM alpine\n"
    with open_posture_scan(["-"], PostureOptions(standard_input=pod)) as scan:
        assert [one.kind for one in scan.report.resources] == ["ConfigMap"]


@pytest.mark.parametrize("added", ["COPY a b\n", "\n# a comment\n", "USER 1\n"])
def test_another_instruction_is_not_another_finding(tmp_path: Path, added: str):
    (tmp_path / "Dockerfile").write_text(TEXT)
    before = {(control, path) for control, path in _identities(tmp_path)}
    (tmp_path / "Dockerfile").write_text(TEXT.replace("RUN apk", f"{added}RUN apk"))
    assert ("L-0111", "RUN[0]") in before & set(_identities(tmp_path))


def _identities(top: Path) -> list[tuple[str, str]]:
    with open_posture_scan([str(top)], PostureOptions()) as scan:
        return [(one.control, one.path) for one in scan.report.findings]


def test_a_user_and_a_base_image_on_one_line_are_two_decisions_each_with_its_advice(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM alpine:latest\n")
    with open_posture_scan([str(tmp_path)], PostureOptions()) as scan:
        rows = cause_rows(scan.report, FindingPlaces(scan.report, scan.places))
        groups = control_groups(scan.report)
    assert [[control.id for control in row.controls] for row in rows] == [["L-0106"], ["L-0108"]]
    assert "USER" in row_fix(rows[0])
    assert "name a version" in row_fix(rows[1])
    assert [group.ids for group in groups] == [("L-0106",), ("L-0108",)]
