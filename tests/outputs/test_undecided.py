"""Objects that a control could not decide on are neither passed nor silent."""

import io

import msgspec
import pytest

from leadline.model.finding import Skip, Undecided
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import find_format
from leadline.outputs.rows.summary import closing
from outputs.sample_report import READER, REPORT, SETTINGS, WEB, page

HERE = "what it names is not here"


def with_gaps(**gaps: tuple[Skip, ...]) -> PostureReport:
    ids = {"web": WEB.id, "settings": SETTINGS.id, "reader": READER.id}
    return msgspec.structs.replace(REPORT, gave_up={ids[name]: skips for name, skips in gaps.items()})


def test_they_are_gathered_by_control_and_reason_worst_control_first():
    low, high = Skip("C-0017", HERE), Skip("C-0057", HERE)
    report = with_gaps(settings=(low, high), reader=(low,))
    assert report.undecided == (
        Undecided("C-0057", HERE, (SETTINGS.id,)),
        Undecided("C-0017", HERE, (SETTINGS.id, READER.id)),
    )
    assert report.objects_undecided == 2


@pytest.mark.parametrize(
    "skip",
    [
        Skip("C-0069", HERE),  # it judged nothing, which ``skips`` says
        Skip("C-0057", "nodes were not read", "not read"),  # which ``unread`` says
    ],
)
def test_what_is_said_elsewhere_is_not_said_again(skip: Skip):
    assert with_gaps(settings=(skip,)).undecided == ()


def test_no_finding_is_not_all_where_something_is_undecided():
    report = msgspec.structs.replace(with_gaps(settings=(Skip("C-0017", HERE),)), findings=(), unread=())
    assert closing(report) == "no findings: 3 objects, 6 controls, all input read, 1 undecided"


@pytest.mark.parametrize("name", ["pretty", "lines", "json", "sarif", "report"])
def test_every_format_names_the_object_and_the_reason(name: str):
    gaps = with_gaps(reader=(Skip("C-0017", HERE),))
    told, untold = io.StringIO(), io.StringIO()
    find_format(name, PostureReport).write(gaps, told, page())
    find_format(name, PostureReport).write(with_gaps(), untold, page())
    assert told.getvalue().count(HERE) > untold.getvalue().count(HERE) == 0
    assert told.getvalue().count("reader") > untold.getvalue().count("reader")
