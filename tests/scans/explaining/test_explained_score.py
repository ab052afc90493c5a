"""The sentences about a score are numbers that add up."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leadline
from leadline.model.report import PostureReport
from leadline.scans.explaining.score import explained_score, explained_score_change, score_change

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{0}, namespace: shop}}\nspec:\n{1}  containers:\n  - {{name: a, image: a:1}}\n---\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {type: NodePort, selector: {app: a}, ports: [{port: 80}]}\n"
SPECS = (
    "",
    "  hostPID: true\n",
    "  hostNetwork: true\n  hostPID: true\n",
    "  automountServiceAccountToken: false\n",
)


def scanned(folder: Path, name: str, text: str) -> PostureReport:
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return leadline.scan(str(file))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("reports")
    texts = [
        "".join(POD.format(number, spec) for number, spec in enumerate(chosen)) + tail
        for chosen in ((SPECS[0],), SPECS[:2], SPECS[1:3], SPECS, (SPECS[2],) * 3)
        for tail in ("", SERVICE)
    ]
    return [scanned(folder, str(number), text) for number, text in enumerate(texts)]


def test_the_parts_of_a_change_add_up_to_it(reports):
    for before in reports:
        for after in reports:
            total = after.compliance() - before.compliance()
            assert sum(score_change(before, after).values()) == pytest.approx(total)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_told_numbers_add_up_to_the_told_change(data, reports):
    before, after = data.draw(st.sampled_from(reports)), data.draw(st.sampled_from(reports))
    first, *rest = explained_score_change(before, after)
    change = float(re.search(r"\(([+-][\d.]+)\)", first)[1])
    parts = [float(found[0]) for one in rest if (found := re.match(r"[+-][\d.]+(?= b)", one))]
    assert sum(parts) == pytest.approx(change, abs=0.05 * (len(parts) + 2) + 0.05 * 150)


def test_what_the_score_is_made_of_is_told(reports):
    sentences = list(explained_score(reports[0]))
    assert re.fullmatch(r"The score is [\d.]+ of 100: the mean, over \d+ controls .*", sentences[0])
    taken = [float(found[1]) for one in sentences if (found := re.search(r" takes? ([\d.]+)[ :]", one))]
    assert sum(taken) == pytest.approx(100 - reports[0].compliance(), abs=0.05 * len(taken))
    assert [one.count("object") for one in sentences if " takes " in one] == [1] * 5


def test_one_failing_control_is_named_with_its_numbers(reports):
    sentences = list(explained_score_change(reports[0], reports[2]))
    told = next(one for one in sentences if "C-0038" in one)
    assert told.endswith("0 of 1 object fail before, 1 of 2 objects fails now.")


def test_nothing_judged_is_no_score(tmp_path):
    report = scanned(
        tmp_path, "none", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n"
    )
    none = leadline.scan(str(tmp_path / "none.yaml"), leadline.PostureOptions(controls=("C-0057",)))
    assert next(iter(explained_score(none))) == "No score: no control judged anything."
    assert "cannot be compared" in next(iter(explained_score_change(none, report)))
