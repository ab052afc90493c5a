"""What is rendered once and kept is what another rendering would give."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from leadline.scans.options import PostureOptions
from leadline.scans.posture.file_source import read_files
from leadline.sources.rendering.plan.kept import KeptRenders

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {n: 'VALUE'}\n"


def made(name: str, value: str) -> str:
    return OBJECT.replace("NAME", name).replace("VALUE", value)


FILES = {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
    "dependencies:\n- {name: lib, version: 1.0.0, repository: 'file://../lib'}\n",
    "web/values.yaml": "replicas: 1\n",
    "web/templates/web.yaml": made("web", "{{ .Values.replicas }}"),
    "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
    "lib/values.yaml": "size: 1\n",
    "lib/templates/lib.yaml": made("lib", "{{ .Values.size }}"),
    "base/kustomization.yaml": "resources: [a.yaml]\n",
    "base/a.yaml": made("a", "1"),
    "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: p-\n",
    "plain.yaml": made("plain", "1"),
}
IF_SOMETHING_IS_THERE = """{{ if lookup "v1" "Secret" "a" "b" }}
apiVersion: v1
kind: Secret
metadata: {name: s}
---
{{ end }}
apiVersion: v1
"""
CHANGES = [
    ("web/values.yaml", "replicas: 1", "replicas: 2"),
    ("lib/values.yaml", "size: 1", "size: 2"),
    ("lib/templates/lib.yaml", "name: lib", "name: other"),
    ("web/templates/web.yaml", "apiVersion: v1\n", IF_SOMETHING_IS_THERE),
    ("web/templates/web.yaml", IF_SOMETHING_IS_THERE, "apiVersion: v1\n"),
    ("base/a.yaml", "n: '1'", "n: '2'"),
    ("prod/kustomization.yaml", "p-", "q-"),
    ("plain.yaml", "n: '1'", "n: '2'"),
    ("web/values.yaml", "replicas: 2", "replicas: ["),
    ("web/values.yaml", "replicas: [", "replicas: 1"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def seen(tree: Path, kept: KeptRenders | None) -> tuple[Any, ...]:
    found = read_files([str(tree)], PostureOptions(environ=os.environ, kept_renders=kept))
    return found.resources, found.unread, found.notes, found.left_out, found.renderers, found.rendering


def test_after_every_change_what_is_kept_is_what_is_rendered_anew(tree: Path):
    kept = KeptRenders((str(tree),))
    try:
        assert seen(tree, kept) == seen(tree, None)
        for name, old, new in CHANGES:
            file = tree / name
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
            kept.forget(str(file))
            assert seen(tree, kept) == seen(tree, None), name
            undecided = any("depends on" in one.why for one in seen(tree, kept)[1])
            assert undecided == (new == IF_SOMETHING_IS_THERE)
    finally:
        kept.close()


def test_what_no_change_touches_is_not_rendered_again(tree: Path):
    kept = KeptRenders((str(tree),))
    try:
        first = {one.name: one for one in seen(tree, kept)[0]}
        kept.forget(str(tree / "base" / "a.yaml"))
        again = {one.name: one for one in seen(tree, kept)[0]}
        assert again["web"].body is first["web"].body
        assert again["p-a"].body is not first["p-a"].body
    finally:
        kept.close()


def test_an_answer_goes_with_each_file_it_was_made_of():
    kept = KeptRenders()
    kept.put("a", ["/x/chart", "/y/values.yaml"], 1)
    kept.forget("/x/chart-other/values.yaml")
    assert kept.get("a") == 1
    kept.forget("/y/values.yaml")
    assert kept.get("a") is None
    kept.put("a", ["/x/chart"], 1)
    kept.forget("/x/chart/templates/a.yaml")
    assert kept.get("a") is None


def test_an_answer_is_taken_again_whenever_its_files_hold_what_it_was_made_of():
    chance = random.Random(7)
    names = ["/r/web/values.yaml", "/r/web/a.yaml", "/r/lib/b.yaml"]
    parts = {"web": ["/r/web"], "lib": ["/r/lib/b.yaml"], "both": ["/r/web/a.yaml", "/r/lib"]}
    held = dict.fromkeys(names, b"0")
    kept = KeptRenders()
    made_again = 0
    for _ in range(2_000):
        name = chance.choice(names)
        now = b"%d" % chance.randrange(2)
        kept.change(name, held[name], now)
        held[name] = now
        for key, files in parts.items():
            own = {one: text for one, text in held.items() if one.startswith(tuple(files))}
            found = kept.get(key)
            assert found in (None, own)
            if found is None:
                made_again += 1
                kept.put(key, files, own)
    # Once for each content of two files, of one, and of two.
    assert made_again == 4 + 2 + 4
