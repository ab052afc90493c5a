"""An entry is added to a file of waivers as text, with reason, owner and end."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Run = Callable[..., tuple[int, str, str]]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {hostPID: true, containers: [{name: a, image: a}]}\n"
SAID = ("--reason", "reads devices", "--owner", "ops@shop.example", "--until", "2099-01-31")


@pytest.fixture(autouse=True)
def _alone(own_image_place: None) -> None:
    Path("a.yaml").write_text(POD)


def test_an_entry_that_is_added_accepts_what_it_names(run: Run) -> None:
    assert "C-0275" in run("scan", "a.yaml")[1]
    code, out, err = run("waiver", "add", "CKV_K8S_17,C-0038", "shop/Pod/a", *SAID)
    assert (code, out) == (0, "")
    assert err.startswith("written: leadline-waivers.yaml; leadline waiver test leadline-waivers.yaml shows ")
    (entry,) = yaml.safe_load(Path("leadline-waivers.yaml").read_text())["waivers"]
    assert entry == {
        "reason": "reads devices",
        "match": {"controls": ["C-0038", "C-0275"], "kinds": ["Pod"], "names": ["a"], "namespaces": ["shop"]},
        "owner": "ops@shop.example",
        "expires": "2099-01-31",
    }
    lines = run("scan", "a.yaml", "--waivers", "leadline-waivers.yaml")[1].splitlines()
    assert [line for line in lines if "C-0275" in line and ": accepted " not in line] == []


def test_other_entries_keep_their_layout_and_comments(run: Run) -> None:
    before = (
        "# ours\nversion: 1\nwaivers:\n# first\n- reason: x  # why\n  match: {controls: [C-0016], names: [b]}"
    )
    Path("own.yaml").write_text(before)
    assert run("waiver", "add", "C-0057", "a", *SAID, "--file", "own.yaml", "--ticket", "SEC-1")[0] == 0
    assert run("waiver", "add", "CVE-2024-1000", "shop/app:*", *SAID, "--file", "own.yaml")[0] == 0
    text = Path("own.yaml").read_text()
    assert text.startswith(f"{before}\n- reason: ")
    entries = yaml.safe_load(text)["waivers"]
    assert [entry["match"] for entry in entries[1:]] == [
        {"controls": ["C-0057"], "names": ["a"]},
        {"vulnerabilities": ["CVE-2024-1000"], "images": ["shop/app:*"]},
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("C-9999", "a", *SAID), "unknown control C-9999"),
        (("KSV-0005", "a", *SAID[:-1], "2020-01-01"), "the end 2020-01-01 is over"),
        (("C-0057", "a", *SAID[:-1], "soon"), "the end is a day, as 2027-01-31 (got soon)"),
        (("C-0057", *SAID), "what is accepted, and on what?"),
        (("C-0057,CVE-2024-1", "a", *SAID), "controls and vulnerabilities are accepted by entries of their own"),
        (("C-0057", "a/b/c/d", *SAID), "a/b/c/d does not name an object"),
        (("C-0057", "a", "--reason", "x"), "missing option '--owner'"),
        (("C-0057", "a", *SAID, "--file", "list.json"), "list.json does not end with its list of waivers"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_writes_nothing(words: tuple[str, ...], message: str, run: Run) -> None:
    Path("list.json").write_text('{"waivers": []}')
    code, _, err = run("waiver", "add", *words)
    assert (code, err.startswith(f"leadline: {message}")) == (2, True), err
    assert not Path("leadline-waivers.yaml").exists()
    assert Path("list.json").read_text() == '{"waivers": []}'
