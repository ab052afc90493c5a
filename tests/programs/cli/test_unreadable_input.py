"""No command passes over input of which it could read nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leadline.programs.cli.lazy_group import COMMANDS

Run = Callable[..., tuple[int, str, str]]

LINES = (
    "access who-can get secrets bad",
    "access of User/alice bad",
    "access to-admin bad",
    "access state bad",
    "access diff bad bad",
    "access unused --audit-log bad/a.yaml bad",
    "baseline save bad",
    "baseline show bad/a.yaml",
    "baseline compare bad/a.yaml bad",
    "config show --config bad/a.yaml",
    "config settings --controls-config bad/a.yaml",
    "db build bad",
    "db import bad/a.yaml",
    "db status --db bad/a.yaml",
    "decrypt -i bad/a.yaml bad/a.yaml",
    "diff bad bad",
    "explain C-0057 --controls-config bad/a.yaml",
    "fix bad --dry-run",
    "get images --store bad/a.yaml",
    "get results --store bad/a.yaml",
    "get runs --store bad/a.yaml",
    "host facts --root bad",
    "migrate bad",
    "image diff bad/a.yaml bad/a.yaml",
    "image sbom bad",
    "image scan bad/a.yaml",
    "image verify --key bad/a.yaml bad/a.yaml",
    "rbac --controls bad",
    "rbac bad",
    "reach shop/web shop/db bad",
    "reveal bad/a.yaml",
    "risk bad",
    "scan bad",
    "scan framework nsa bad",
    "scan bad --fix --yes",
    "scan --from-store bad/a.yaml",
    "scan bad --waivers bad/a.yaml",
    "scan image bad/a.yaml",
    "store backup bad/a.yaml copy",
    "store check bad/a.yaml",
    "store restore bad/a.yaml copy",
    "waiver list bad/a.yaml",
    "waiver test bad/a.yaml bad",
)
READS_NOTHING = {"completion", "list", "schema", "version"}
CONTENTS = (b"apiVersion: v1\nkind: Pod\n\tmetadata: [\n", b"\0\1\2binary")


@pytest.fixture(autouse=True)
def _alone(own_image_place: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "none")


NAMED = {line.split()[0] for line in LINES}
OTHERS = tuple(f"{name} bad" for name in sorted(set(COMMANDS) - NAMED - READS_NOTHING))
"""Every command without a line of its own is tried with the folder alone."""


@pytest.mark.parametrize("line", [*LINES, *OTHERS])
def test_input_that_cannot_be_read_passes_nowhere(line: str, run: Run) -> None:
    for content in CONTENTS:
        Path("bad").mkdir(exist_ok=True)
        Path("bad/a.yaml").write_bytes(content)
        code, _, err = run(*line.split())
        assert code in (2, 3), (content, code, err)
        assert err.splitlines()[-1].startswith("leadline: ")


@pytest.mark.parametrize("format", ["json", "csv"])
def test_an_answer_about_nothing_is_written_and_fails(format: str, run: Run) -> None:
    Path("bad.yaml").write_bytes(CONTENTS[0])
    code, out, err = run("access", "who-can", "get", "secrets", "bad.yaml", "-f", format)
    assert code == 3
    assert "bad.yaml" in out
    assert err.startswith("leadline: nothing could be read in bad.yaml: 1 not read, the first bad.yaml:3: ")


def test_one_side_of_a_difference_that_can_be_read_is_compared(run: Run) -> None:
    Path("bad").mkdir()
    Path("bad/a.yaml").write_bytes(CONTENTS[0])
    Path("good.yaml").write_text(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: ops}, roleRef: "
        "{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: "
        "[{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]}"
    )
    assert run("access", "diff", "bad", "good.yaml")[0] == 0
    assert run("access", "diff", "bad", "good.yaml", "--fail-on", "unread")[0] == 1
