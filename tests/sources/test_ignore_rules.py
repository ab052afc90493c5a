import shutil
import subprocess

import pytest

from cost_growth import cost_growth
from leadline.sources.manifests.ignore import ignore_rules

PATHS = [
    *(
        "a.yaml",
        "b/a.yaml",
        "b/c/a.yaml",
        "b/c/d/e.yaml",
        "test/x.yaml",
        "x/test/y.yaml",
        "x/gen",
        "x/foo-1.yaml",
    ),
    *(
        "x/foo-12.yaml",
        "doc/#a.yaml",
        "doc/!b.yaml",
        "doc/a b.yaml",
        "doc/[x].yaml",
        "x/y/z/w.yaml",
        "a/x/b",
        "a/b",
    ),
]


@pytest.mark.parametrize(
    "lines",
    [
        ["a.yaml"],
        ["/a.yaml"],
        ["b/a.yaml"],
        ["b/"],
        ["test/", "!test/"],
        ["*.yaml", "!a.yaml"],
        ["b/**"],
        ["**/e.yaml"],
        ["b/**/e.yaml"],
        ["a/**/b"],
        ["b/*/a.yaml"],
        ["foo-?.yaml"],
        ["foo-[0-9].yaml"],
        ["x/foo*2.yaml"],
        ["*o*-*.yaml"],
        ["\\#a.yaml", "\\!b.yaml"],
        ["# a.yaml", "", "   "],
        ["a b.yaml   "],
        ["doc/\\[x\\].yaml"],
        ["x/*", "!x/test"],
        ["[!a]*.yaml"],
        ["b/c", "!b/c/a.yaml"],
        ["*"],
        ["***/e.yaml"],
    ],
    ids=" ".join,
)
def test_git_ignores_the_same(tmp_path, lines):
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    asked = "\n".join(PATHS)
    command = [git, "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"]
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=False).stdout
    ignored = {line.strip('"') for line in told.splitlines()}
    rules = ignore_rules(lines)
    assert {path for path in PATHS if rules.ignores_file(path)} == ignored


def test_rows_of_stars_are_matched_quickly():
    def match(size: int) -> None:
        path = "/".join(["a" * 200] * 5 * size)
        for pattern in ("*a" * 60 + "b", "**/*a*a/**/*a*a/**/x*b", "?*" * 60 + "b", "**/" * 40 + "b"):
            assert not ignore_rules([pattern]).ignores_file(path)

    assert cost_growth(match) < 64
