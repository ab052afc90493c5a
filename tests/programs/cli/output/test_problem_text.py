"""The page of a problem that many feeds speak of: as much of each as leaves room for the others."""

from pathlib import Path

from leadline.programs.cli.output.problem_text import problem_lines
from vulnerabilities.matching.made_database import advisory, build_of


def test_each_ecosystem_has_its_share_and_languages_come_first(tmp_path: Path):
    path = tmp_path / "v.db"
    links = tuple(f"https://example.org/{number}" for number in range(15))
    facts = [
        advisory(
            f"ALSA-2024:{number}", "AlmaLinux:8", f"package-{number}", fixed="1-1", covers=("CVE-2024-1000",)
        )
        for number in range(90)
    ]
    facts.append(
        advisory("GO-2024-1", "Go", "x.org/y", fixed="1.2.3", aliases=("CVE-2024-1000",), references=links)
    )
    build_of(path, {"feed": facts})
    lines = [*problem_lines("CVE-2024-1000", str(path), 80)]
    affected = lines[next(place for place, line in enumerate(lines) if line.startswith("affects")) :]
    assert affected[0] == "affects     Go x.org/y < 1.2.3"
    assert affected[1].strip() == "AlmaLinux:8 package-0 < 1-1"
    assert affected[20].strip() == "and 71 more ranges of AlmaLinux:8"
    assert affected[-11] == "see         https://example.org/0"
    assert affected[-1].strip() == "and 5 more pages"
