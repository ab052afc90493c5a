"""What a feed file is handed."""

import pytest

from leadline.model.vulnerability import ExploitChance
from leadline.vulnerabilities.feed import Document, feed, rating


@pytest.mark.parametrize(
    ("path", "name"),
    [("all.zip/GO-1.json", "GO-1.json"), ("osv/Go.jsonl#7", "Go.jsonl"), ("kev.json", "kev.json")],
)
def test_a_document_is_named_without_folder_and_line(path: str, name: str):
    assert Document(path, b"").name == name


def test_a_feed_is_made_of_its_reader():
    @feed("chances", "Chances", recognises=lambda document: document.head.startswith(b"cve,"))
    def chances(document: Document):
        for line in document.data.splitlines()[1:]:
            cve, chance = line.decode().split(",")
            yield ExploitChance(cve, float(chance))

    document = Document("chances.csv", b"cve,epss\nCVE-2024-1,0.5\n")
    assert chances.recognises(document)
    assert list(chances.read(document)) == [ExploitChance("CVE-2024-1", 0.5)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Important", "high"), ("MODERATE", "medium"), (" unimportant", "negligible"), ("?", "unknown")],
)
def test_the_words_of_publishers_are_one_scale(word: str, expected: str):
    assert rating(word) == expected
