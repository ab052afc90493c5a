"""A provider's history as Parquet, and the three questions that the documentation asks of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.programs.provider.provider_parts import Provider, found, image, measured, report
from tests.programs.provider.test_provider_app import Client

from leadline.api.provider.wire import WholeReport
from leadline.errors import SourceError
from leadline.programs.provider.exporting import write_tables

DOCS = Path(__file__).parents[3] / "docs" / "provider.md"


def test_the_questions_of_the_documentation_are_answered_from_parquet(provider: Provider, tmp_path: Path):
    duckdb = pytest.importorskip("duckdb")
    client = Client(provider)

    def ask(path: str, query: Mapping[str, str]) -> bytes:
        status, answer, _ = client("GET", f"{path}?{urlencode(query)}", provider.reader)
        assert status == 200, answer
        return json.dumps(answer).encode()

    odd = found(9, name='a "quoted", name\nof two lines', path="", severity="critical")
    client.post(WholeReport(measured(), ("C-0057",), (found(1), found(2), odd)))
    client.post(report([1, 2, 3]), provider.other_token, "/v1/sources/other/report")
    client.post(image(1, "maven org.apache/log4j-core 2.14.1"), path="/v1/sources/shop/images")
    provider.clock.pass_by(days=3)
    client.post(report([1]))
    folder = tmp_path / "it's out"
    for _ in range(2):
        write_tables(duckdb, ask, folder)
    names = ["days", "findings", "images", "packages", "risks", "sources"]
    assert sorted(one.name for one in folder.iterdir()) == [f"{name}.parquet" for name in names]

    def rows(text: str) -> list[tuple[Any, ...]]:
        text = re.sub(
            r"'(\w+)\.parquet'",
            lambda one: f"read_parquet('{folder}/{one[1]}.parquet')".replace("it's", "it''s"),
            text,
        )
        return list(duckdb.sql(text).fetchall())

    assert rows("SELECT name, path FROM 'findings.parquet' WHERE severity = 'critical'") == [(odd.name, "")]
    assert rows("SELECT count(*), count(gone) FROM 'findings.parquet'") == [(6, 2)]
    written = re.findall(r"duckdb -c \"(.*?)\"", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(written) == 3
    answers = [rows(text) for text in written]
    assert answers[0] == [("C-0057", 2, 3.0)]
    assert [(str(row[0])[:10], *row[1:]) for row in answers[1]] == [
        ("2027-01-25", 6, 0),
        ("2027-02-01", 0, 2),
    ]
    assert answers[2] == [("org.apache/log4j-core", "2.14.1", 1, 1)]


def test_an_export_that_fails_leaves_no_folder(tmp_path: Path):
    duckdb = pytest.importorskip("duckdb")

    def ask(path: str, query: Mapping[str, str]) -> bytes:
        raise SourceError("provider.example cannot be reached")

    with pytest.raises(SourceError):
        write_tables(duckdb, ask, tmp_path / "new" / "history")
    assert list(tmp_path.iterdir()) == []
