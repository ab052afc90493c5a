"""What a program of the kubeconfig writes reaches the user through us alone: bounded, and in whole lines."""

import json
import os
from pathlib import Path

import pytest

from leadline.errors import ClusterError
from leadline.sources.cluster.exec_plugin import ask_plugin
from leadline.sources.cluster.kubeconfig import choose_access
from leadline.sources.cluster.plugin_process import MOST_SAID_BYTES, Overtime, run_plugin

ANSWER = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "kind": "ExecCredential",
    "status": {"token": "t0"},
}
ENVIRON = {"PATH": os.environ["PATH"]}


def ran(script: str, timeout_s: float = 20.0) -> tuple[int, bytes, list[str]]:
    said: list[str] = []
    code, answer = run_plugin(["sh", "-c", script], ENVIRON, said.append, timeout_s)
    return code, answer, said


def access(folder: Path, script: str, **fields: object):
    user = {"exec": {"apiVersion": ANSWER["apiVersion"], "command": "sh", "args": ["-c", script], **fields}}
    path = folder / "config"
    path.write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return choose_access("", str(path), ENVIRON)


def test_what_it_says_comes_line_by_line_and_not_to_our_own_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    assert ran("echo open http://x >&2; printf 'code: ' >&2; echo '{}'") == (
        0,
        b"{}\n",
        ["open http://x", "code: "],
    )
    assert capfd.readouterr() == ("", "")


def test_a_line_written_in_two_parts_is_never_one_line_of_two_calls() -> None:
    _, _, said = ran("printf '##' >&2; sleep 0.5; printf 'vso[task.setvariable]x\\n' >&2")
    assert said == ["##", "vso[task.setvariable]x"]
    _, _, said = ran("printf '##' >&2; printf 'vso[x]\\n' >&2")
    assert said == ["##vso[x]"]


def test_what_it_says_is_bounded() -> None:
    _, _, said = ran("yes a line of it | head -c 3000000 >&2; head -c 3000000 /dev/zero | tr '\\0' x >&2")
    assert sum(map(len, said)) < MOST_SAID_BYTES + 4_000
    assert said[-1].startswith("… what else it says is not shown")


def test_an_answer_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="its answer is larger than 4 MiB"):
        ask_plugin(access(tmp_path, "yes"), ENVIRON, print)


def test_one_that_does_not_end_is_ended() -> None:
    with pytest.raises(Overtime):
        ran("sleep 60", 0.5)


def test_one_that_leaves_something_running_is_not_waited_for() -> None:
    assert ran("sleep 3 & echo '{}'")[:2] == (0, b"{}\n")


def test_the_hint_of_the_kubeconfig_is_one_short_line(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        ask_plugin(access(tmp_path, "exit 3", installHint="a\nb" + "c" * 5_000), ENVIRON, print)
    assert "\n" not in str(caught.value)
    assert len(caught.value.hint) == 300


def test_a_token_is_taken_from_the_answer(tmp_path: Path) -> None:
    assert ask_plugin(access(tmp_path, f"echo '{json.dumps(ANSWER)}'"), ENVIRON, print).token == "t0"
