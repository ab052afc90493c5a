import json
from pathlib import Path

import pytest

from leadline.sources.yaml.parser import parse_documents
from sources.kubectl_reading import as_json, find_kubectl, read_with_kubectl

CASES = Path(__file__).parent / "yaml_cases"
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ncase: "


def cases(name: str) -> list[tuple[str, str]]:
    blocks = (CASES / name).read_text().removesuffix("\n").split("\n====\n")
    return [(first, rest) for first, _, rest in (block.partition("\n") for block in blocks)]


ACCEPTED, REFUSED = cases("accepted.txt"), cases("refused.txt")


@pytest.mark.parametrize(("expected", "written"), ACCEPTED, ids=[w for _, w in ACCEPTED])
def test_value_is_read_as_kubernetes_reads_it(expected, written):
    (document,) = parse_documents((HEAD + written).encode())
    assert document.problem is None
    assert as_json(document.body["case"]) == as_json(json.loads(expected))


@pytest.mark.parametrize(("words", "written"), REFUSED, ids=[w[:20] for _, w in REFUSED])
def test_what_kubernetes_refuses_is_a_problem_in_plain_words(words, written):
    (document,) = parse_documents((HEAD + written).encode())
    assert document.problem is not None
    assert words in document.problem.why
    assert document.body is None


@pytest.mark.skipif(find_kubectl() is None, reason="needs kubectl")
def test_kubectl_agrees_with_every_accepted_case(tmp_path):
    file = tmp_path / "cases.yaml"
    file.write_text("---\n".join(f"{HEAD}{written.removesuffix(chr(10))}\n" for _, written in ACCEPTED))
    bodies, errors = read_with_kubectl(file)
    assert errors == ""
    got = [as_json(body.get("case")) for body in bodies]
    assert got == [as_json(json.loads(expected)) for expected, _ in ACCEPTED]


@pytest.mark.skipif(find_kubectl() is None, reason="needs kubectl")
def test_kubectl_refuses_every_refused_case(tmp_path):
    files = []
    for number, (words, written) in enumerate(REFUSED):
        if words != "nested deeper":
            files.append(tmp_path / f"{number}.yaml")
            files[-1].write_text(HEAD + written + "\n")
    bodies, errors = read_with_kubectl(*files)
    assert bodies == []
    assert [file.name for file in files if str(file) not in errors] == []
