"""What counts: flags, variables, the user's file, and what came with the code as far as it asks for more."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.programs.cli.options.in_force import Configuration, in_force
from leadline.programs.cli.options.search import Asked
from leadline.programs.cli.options.table import KEYS


class Desk:
    """A folder that code came into, and a file of the user elsewhere."""

    def __init__(self, place: Path) -> None:
        self.code = place / "code"
        self.code.mkdir()
        self.own = place / "own.toml"

    def force(
        self, code: str = "", own: str = "", *, trusted: bool = False, terminal: bool = False, **environ: str
    ) -> Configuration:
        (self.code / "leadline.toml").write_text(code)
        self.own.write_text(own)
        asked = Asked(str(self.own), trusted=trusted)
        return in_force(asked, environ, str(self.code), is_terminal=terminal)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def values(one: Configuration) -> dict[str, object]:
    return {name: setting.value for name, setting in one.settings.items()}


def test_a_gate_that_comes_with_the_code_counts(desk: Desk):
    one = desk.force("severity-threshold = 'high'\nfail-on = ['unread']")
    assert values(one) == {"severity-threshold": "high", "fail-on": ("unread",)}
    assert one.settings["severity-threshold"].origins == ("leadline.toml:1",)


@pytest.mark.parametrize(
    ("key", "own", "code", "strict"),
    [
        ("severity-threshold", "'high'", "'low'", "low"),
        ("severity-threshold", "'low'", "'critical'", "low"),
        ("compliance-threshold", "60", "80", 80.0),
        ("compliance-threshold", "80", "0", 80.0),
        ("fail-on", "['unmatched']", "['unread']", ("unmatched", "unread")),
        ("fail-on", "['unread']", "[]", ("unread",)),
        ("no-waivers-from-target", "true", "false", True),
        ("no-waivers-from-target", "false", "true", True),
    ],
)
def test_of_two_gates_the_stricter_counts(desk: Desk, key: str, own: str, code: str, strict: object):
    assert values(desk.force(f"{key} = {code}", f"{key} = {own}")) == {key: strict}


def test_a_variable_goes_before_files_and_the_users_file_before_the_other(desk: Desk):
    code, own = "verbose = true\nby = 'fix'", "by = 'object'\nexclude-controls = ['C-0001']"
    one = desk.force(code, own, trusted=True, LEADLINE_EXCLUDE_CONTROLS="C-0002, C-0004")
    assert values(one) == {"verbose": True, "by": "object", "exclude-controls": ("C-0002", "C-0004")}
    gate = desk.force("severity-threshold = 'low'", LEADLINE_SEVERITY_THRESHOLD="high")
    assert values(gate) == {"severity-threshold": "high"}


@pytest.mark.parametrize(
    "key", [key for key in KEYS.values() if not key.counts_inside], ids=lambda key: key.name
)
def test_what_takes_away_counts_from_the_user_alone(desk: Desk, key):
    line = f"{key.name} = {key.example}"
    one = desk.force(line)
    assert values(one) == {}
    assert [(row.where, row.what, row.key) for row in one.not_taken] == [
        ("leadline.toml:1", key.name, key.name)
    ]
    assert set(values(desk.force(own=line))) == {key.name}
    assert set(values(desk.force(line, trusted=True))) == {key.name}
    assert not desk.force(line, trusted=True).not_taken


def test_frameworks_of_the_code_are_added_and_choose_nothing(desk: Desk):
    line = "frameworks = ['nsa']"
    one, own = desk.force(line), desk.force(line, "frameworks = ['mitre']")
    assert (values(one), one.added_frameworks) == ({}, ("nsa",))
    assert (values(own), own.added_frameworks) == ({"frameworks": ("mitre",)}, ())
    assert values(desk.force(line, trusted=True)) == {"frameworks": ("nsa",)}


def test_how_things_look_counts_at_a_terminal_alone(desk: Desk):
    text = "format = ['json']\nmin-severity = 'critical'\nverbose = true\nby = 'fix'"
    assert values(desk.force(text)) == {}
    assert set(values(desk.force(text, terminal=True))) == {"format", "min-severity", "verbose", "by"}
    writes = desk.force("format = ['json=/etc/passwd']", terminal=True)
    assert (values(writes), writes.not_taken[0].why) == ({}, "not taken: it would write")
    assert values(desk.force(own=text)) == values(desk.force(text, terminal=True))


def test_excluded_paths_of_the_code_are_kept_apart(desk: Desk):
    one = desk.force("exclude-path = ['old/']", "exclude-path = ['mine/']")
    assert (values(one), one.target_excludes) == ({"exclude-path": ("mine/",)}, ("old/",))


def test_charts_of_the_code_are_rendered_besides_and_stay_in_their_folder(desk: Desk):
    text = "[[chart]]\npath = 'shop'\nvalues = ['{}']\n"
    one = desk.force(text.format("prod.yaml"))
    assert [(row.chart.path, row.adds) for row in one.renderings] == [(str(desk.code / "shop"), True)]
    assert [row.adds for row in desk.force(text.format("prod.yaml"), trusted=True).renderings] == [False]
    for outside in ("../own.toml", "/etc/passwd"):
        out = desk.force(text.format(outside))
        assert (out.renderings, [row.where for row in out.not_taken]) == ((), ["leadline.toml:1"])
        assert len(desk.force(text.format(outside), trusted=True).renderings) == 1
    (desk.code / "link.yaml").symlink_to("/etc/passwd")
    assert desk.force(text.format("link.yaml")).renderings == ()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SEVERITY_THRESHOLD", "hihg", "must be one of low, medium, high, critical (got hihg)"),
        ("COMPLIANCE_THRESHOLD", "much", "must be a number (got much)"),
        ("COMPLIANCE_THRESHOLD", "inf", "must be between 0 and 100"),
        ("VERBOSE", "perhaps", "must be true or false (got perhaps)"),
        ("MAX_DB_AGE", "-1", "must be between 0 and 1,000,000"),
    ],
)
def test_a_wrong_variable_is_refused(desk: Desk, name: str, value: str, why: str):
    with pytest.raises(UsageError) as found:
        desk.force(**{f"LEADLINE_{name}": value})
    assert str(found.value) == f"LEADLINE_{name} {why}"


def test_variables_of_each_kind(desk: Desk):
    one = desk.force(
        LEADLINE_VERBOSE="1", LEADLINE_MAX_DB_AGE="3", LEADLINE_FORMAT="json, sarif=a.sarif", LEADLINE_BY=" "
    )
    assert values(one) == {"verbose": True, "max-db-age": 3, "format": ("json", "sarif=a.sarif")}


def test_a_variable_that_is_nearly_one_of_ours_is_named(desk: Desk):
    one = desk.force(
        LEADLINE_SEVERTY_THRESHOLD="high", LEADLINE_PORT="tcp://10.0.0.1", LEADLINE_SERVICE_HOST="x"
    )
    assert [(row.where, row.why) for row in one.not_taken] == [
        ("LEADLINE_SEVERTY_THRESHOLD", "no setting; did you mean LEADLINE_SEVERITY_THRESHOLD?")
    ]
