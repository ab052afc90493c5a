"""Suggestions of a review: taken over one by one they make the very files that the fix makes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from integrations.pipeline_repository import add, commit, git
from leadline.outputs.text.patch import Suggestion, suggestion_text
from leadline.scans.fixing.fix_scan import FixAim, FixResult, agree_to_all, fix_scan
from leadline.scans.fixing.review import review_of
from leadline.scans.options import PostureOptions

OLD = """\
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: shop}
spec:
  hostPID: true
  containers:
    - name: a
      image: x:1
"""
NEW = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostNetwork: true
  containers:
    - name: a
      env:
        - name: DB_PASSWORD
          value: hunter2-correct-horse
        - name: MODE
          value: fast
      securityContext:
        privileged: true
      image: x:1
"""
FENCE = "```"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    add(tmp_path, "deploy/old.yaml", OLD + "".join(f"# {n}\n" for n in range(30)))
    commit(tmp_path, "before")
    return tmp_path


def fixed(folder: Path) -> FixResult:
    options = PostureOptions(environ=os.environ)
    return fix_scan([str(folder)], options, FixAim(agrees=agree_to_all, is_located=True))


def taken_over(text: str, comments: list[dict[str, Any]]) -> str:
    lines = text.splitlines(keepends=True)
    for one in sorted(comments, key=lambda one: -one["line"]):
        _, _, block = one["body"].partition(f"{FENCE}suggestion\n")
        lines[one.get("start_line", one["line"]) - 1 : one["line"]] = [block.partition(FENCE)[0]]
    return "".join(lines)


@pytest.mark.parametrize("text", [NEW, NEW.rstrip("\n"), OLD, f"{NEW}---\n{NEW.replace('web', 'api')}"])
def test_suggestions_taken_over_are_the_fix(repository: Path, text: str):
    add(repository, "deploy/new.yaml", text)
    commit(repository, "change")
    result = fixed(repository / "deploy/new.yaml")
    review = review_of(result, str(repository / "deploy"), "HEAD~1", os.environ, "github")
    assert (review.left, review.suggestions) == (0, len(review.request["comments"]))
    assert {one["path"] for one in review.request["comments"]} == {"deploy/new.yaml"}
    # A service ends the last line.
    assert taken_over(text, review.request["comments"]).rstrip("\n") == result.files[0].after.rstrip("\n")
    said = json.dumps(review.request)
    assert "hunter2" not in said
    assert all("**" in one["body"] for one in review.request["comments"])


def test_what_the_change_does_not_show_has_no_suggestion(repository: Path):
    path = repository / "deploy/old.yaml"
    path.write_text(path.read_text() + "# new\n")
    git(repository, "add", "-A")
    commit(repository, "change")
    review = review_of(fixed(repository), str(repository), "HEAD~1", os.environ, "github")
    assert (review.request["comments"], review.suggestions) == ([], 0)
    assert review.left > 0
    assert f"{review.left} edits outside of the lines of this change" in review.request["body"]


def test_gitlab_is_told_both_lines_of_what_did_not_change(repository: Path):
    path = repository / "deploy/old.yaml"
    path.write_text(path.read_text().replace("  hostPID: true\n", "  hostNetwork: true\n  hostPID: true\n"))
    git(repository, "add", "-A")
    commit(repository, "change")
    review = review_of(fixed(repository), str(repository), "HEAD~1", os.environ, "gitlab")
    position = review.request[0]["position"]
    assert position["head_sha"] == git(repository, "rev-parse", "HEAD").strip()
    assert position["base_sha"] == git(repository, "rev-parse", "HEAD~1").strip()
    lines = [(one["position"]["new_line"], one["position"].get("old_line")) for one in review.request]
    assert lines[0] == (6, 5)
    assert f"{FENCE}suggestion:-1+0\n" in review.request[0]["body"]


def test_a_fence_is_longer_than_what_it_holds():
    text = suggestion_text(Suggestion(1, 1, "# ```` \n"), is_gitlab=False)
    assert text == "`````suggestion\n# ```` \n`````\n"


def test_a_line_that_may_be_a_secret_is_in_no_suggestion(repository: Path):
    env = "      env:\n        - name: MODE\n          value: rather-not-said\n"
    add(repository, "deploy/new.yaml", OLD.replace("name: old", "name: new") + env)
    commit(repository, "change")
    review = review_of(fixed(repository / "deploy/new.yaml"), str(repository), "HEAD~1", os.environ, "github")
    assert (review.suggestions, review.left) == (1, 1)
    assert "rather-not-said" not in json.dumps(review.request)
