import json
from pathlib import Path

import pytest

from leadline.errors import SourceError, UsageError
from leadline.scans.posture.settings import read_settings

KNOWN = {"cpu_limit_max": ("1",), "image_repository_allow_list": ()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flat.json", '{"cpu_limit_max": ["2"], "imageRepositoryAllowList": ["a.example", "b.example"]}'),
        ("nested.json", json.dumps({"settings": {"postureControlInputs": {"cpu_limit_max": ["2"], "imageRepositoryAllowList": ["a.example", "b.example"]}}})),
        ("inner.json", json.dumps({"postureControlInputs": {"cpu_limit_max": ["2"], "imageRepositoryAllowList": ["a.example", "b.example"]}})),
        ("ours.toml", 'cpu-limit-max = "2"\nimage_repository_allow_list = ["a.example", "b.example"]\n'),
        ("ours.yaml", "cpu_limit_max: 2\nimage_repository_allow_list:\n- a.example\n- b.example\n"),
    ],
)  # fmt: skip
def test_every_form_means_the_same(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text)
    assert read_settings(str(tmp_path / name), KNOWN) == {
        "cpu_limit_max": ("2",),
        "image_repository_allow_list": ("a.example", "b.example"),
    }


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            '{"cpu_limit_mx": []}',
            UsageError,
            "s.json: unknown setting cpu_limit_mx; did you mean cpu_limit_max?",
        ),
        (
            '{"zzz": []}',
            UsageError,
            "s.json: unknown setting zzz; leadline config settings shows all of them",
        ),
        ('{"cpu_limit_max": {"a": 1}}', UsageError, "s.json: cpu_limit_max must be a list of texts"),
        (
            '{"cpu_limit_max": ["lots"]}',
            UsageError,
            "s.json: cpu_limit_max must be an amount such as 500m or 1Gi (got lots)",
        ),
        ("[]", UsageError, 's.json holds no settings; write for example {"cpu_limit_max": ["2"]}'),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, monkeypatch, text: str, error: type, message: str):
    monkeypatch.chdir(tmp_path)
    Path("s.json").write_text(text)
    with pytest.raises(error) as caught:
        read_settings("s.json", KNOWN)
    assert str(caught.value) == message


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(SourceError, match=r"cannot read nosuch\.json: no such file or directory"):
        read_settings("nosuch.json", KNOWN)
