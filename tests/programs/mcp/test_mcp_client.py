"""The real client library of the protocol against the real program: three conversations, and what breaks a wire."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_evidence import POLICY, WORKLOAD, planted

from leadline.programs.cli.main import main
from leadline.programs.mcp.main import LONGEST_LINE

START = "import sys; from leadline.programs.cli.main import main; sys.exit(main(sys.argv[1:]))"
MORE = "apiVersion: v1\nkind: Pod\nmetadata: {name: more, namespace: shop}\nspec: {containers: [{name: a, image: a:1}]}\n"
Ask = Callable[..., Awaitable[dict[str, Any]]]


def converse(words: list[str], conversation: Callable[[Ask, ClientSession], Awaitable[None]]) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-c", START, "mcp", *words], env={**os.environ, "NO_COLOR": "1"}
    )

    async def run() -> None:
        with Path(os.devnull).open("w") as errors:
            async with (
                stdio_client(server, errors) as (reads, writes),
                ClientSession(reads, writes) as session,
            ):
                await session.initialize()

                async def ask(name: str, **arguments: Any) -> dict[str, Any]:
                    answer = await session.call_tool(name, arguments)
                    found: dict[str, Any] = json.loads(answer.content[0].text)  # type: ignore[union-attr]
                    assert answer.is_error == ("error" in found)
                    return found

                with anyio.fail_after(120):
                    await conversation(ask, session)

    anyio.run(run)


def words_of(folder: Path) -> list[str]:
    given = planted(folder)
    return [
        *given.roots,
        *("--profile", given.profiles[0], "--images", given.images[0], "--audit-log", given.audit_logs[0]),
        *("--log", str(folder / "calls.log")),
    ]


def test_least_privilege_is_prepared_for_a_workload(tmp_path):
    """Overview, risk, behaviour, draft, rehearse: what a person gets is text that was checked."""

    async def conversation(ask: Ask, session: ClientSession) -> None:
        tools = (await session.list_tools()).tools
        assert len(tools) == 12
        for tool in tools:
            hints = tool.annotations
            assert hints
            assert hints.read_only_hint
            assert not hints.destructive_hint
            assert not hints.open_world_hint
        top = (await ask("overview"))["mostAtStake"][0]["workload"]["untrusted"]
        assert top == WORKLOAD
        assert (await ask("explain", what=top))["sentences"][0]["untrusted"].startswith(top)
        assert (await ask("behaviour", workload=top))["total"] == 1
        drafted = (await ask("draft", what="hardening", workload=top))["rows"][0]
        assert "nothing of it would be blocked" in drafted["sentences"][-1]["untrusted"]
        assert drafted["isWhole"]
        assert "readOnlyRootFilesystem: true" in drafted["draft"]["untrusted"]
        assert (await ask("rehearse", policies=POLICY))["blocked"] == 1
        assert (await ask("draft", what="role"))["total"] == 1

    converse(words_of(tmp_path), conversation)
    assert [json.loads(line)["tool"] for line in (tmp_path / "calls.log").read_text().splitlines()] == [
        "overview", "explain", "behaviour", "draft", "rehearse", "draft",
    ]  # fmt: skip
    assert (tmp_path / "calls.log").stat().st_mode & 0o077 == 0


def test_why_a_pull_request_is_red_is_told(tmp_path):
    """Changes since main, the new finding, its page, and the edit that removes it."""
    planted(tmp_path)
    deploy = tmp_path / "deploy"
    app = deploy / "app.yaml"
    app.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - {name: a, image: a:1}\n"
    )
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *words], cwd=deploy, check=True
        )
    app.write_text(app.read_text() + "  hostNetwork: true\n")

    async def conversation(ask: Ask, session: ClientSession) -> None:
        changed = await ask("changes", since="main")
        assert changed["new"] >= 1
        assert any(" by C-0041 " in one["untrusted"] for one in changed["score"])
        assert "C-0041" in {row["control"]["untrusted"] for row in changed["rows"] if row["what"] == "new"}
        row = (await ask("findings", control="C-0041", object="app"))["rows"][0]
        assert row["place"]["untrusted"].endswith("app.yaml:7")
        assert "hostNetwork" in (await ask("finding", id=row["id"]))["lines"]["untrusted"]
        assert "node" in (await ask("explain", what="C-0041"))["page"]
        drafted = await ask("draft", what="fix", control="C-0041", risky=True)
        assert "-  hostNetwork: true" in drafted["draft"]["untrusted"]

    converse([str(deploy)], conversation)
    assert "hostNetwork: true" in app.read_text()


def test_what_changed_since_friday_is_told_from_a_store(tmp_path, capfd):
    """The history, what is new, why it matters, and what is most at stake now."""
    planted(tmp_path)
    store = str(tmp_path / "results.db")
    for _ in range(2):
        assert main(["scan", str(tmp_path / "deploy"), "--store", store, "-f", "lines", "--quiet"]) in (0, 1)
        (tmp_path / "deploy" / "more.yaml").write_text(MORE)
    capfd.readouterr()
    friday = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%d")

    async def conversation(ask: Ask, session: ClientSession) -> None:
        changed = await ask("changes", since=friday, of="shop")
        assert {row["object"]["untrusted"] for row in changed["rows"]} == {"shop/Pod/more"}
        first = changed["rows"][0]["id"]["untrusted"]
        assert (await ask("explain", what=first))["page"]
        found = await ask("findings", object="shop/Pod/more", control=first)
        assert found["total"] >= 1
        assert (await ask("risk"))["total"] == 2
        assert (await ask("not_seen"))["rows"]

    converse(["--from-store", store], conversation)


def test_a_broken_wire_costs_its_line_and_the_program_ends_with_its_input(tmp_path):
    planted(tmp_path)
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}}  # fmt: skip
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "explain", "arguments": {"what": "C-0057"}},
    }
    lines = [
        b"\x00\xff\xfe not json",
        b"[" * 100_000,
        b"x" * (LONGEST_LINE + 10),
        json.dumps(request).encode(),
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}',
        b'{"jsonrpc":"2.0","id":4,"method":"shell","params":{}}',
        b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"explain","arguments":{"what":"\\ud83d"}}}',
        b'{"jsonrpc":"2.0","id":"six","method":"tools/call","params":'
        + b'{"a":' * 5_000
        + b"1"
        + b"}" * 5_001,
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"' + b"x" * LONGEST_LINE + b'"}}',
        json.dumps(call).encode(),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", START, "mcp", str(tmp_path / "deploy")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    process.stdin.flush()
    answers: dict[Any, dict[str, Any]] = {}
    while 2 not in answers and (line := process.stdout.readline()):
        found = json.loads(line)
        answers[found.get("id")] = found
    assert "Privileged container" in answers[2]["result"]["content"][0]["text"]
    assert "error" in answers[3]
    assert "error" in answers[4]
    # Whoever asked waits for an answer, whatever was wrong with the question.
    assert [answers[id]["error"]["code"] for id in (5, "six", 7)] == [-32601] * 3
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "name files and folders, or a store"),
        (["not-there"], 3, "no such file or folder: not-there"),
        (["--budget", "1", "."], 2, "--budget"),
        (["--controls", "x", "."], 2, "add --trust where you trust who wrote them"),
    ],
)
def test_wrong_words_are_one_line(words, code, message, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", START, "mcp", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout
