"""The names of licences that are known without the library are those that the library knows."""

import random

from license_expression import get_spdx_licensing

from leadline.sbom.licences import expressions
from leadline.sbom.licences.expressions import _flat, _known, _validated

SYMBOLS = get_spdx_licensing().known_symbols.values()
NAMES = {
    name: symbol
    for symbol in SYMBOLS
    for name in (symbol.key, *symbol.aliases)
    if not name.startswith("LicenseRef-")
}


def test_every_name_of_the_library_is_known_and_no_other():
    expected = {name.lower(): "" if symbol.is_exception else symbol.key for name, symbol in NAMES.items()}
    own = {name: today for name, today in _known().items() if not name.startswith("licenseref-")}
    assert own == expected


def test_a_row_of_names_reads_as_the_library_reads_it():
    draw = random.Random(5)
    words = sorted(name for name in NAMES if " " not in name)
    words += ["Own-1", "LicenseRef-mine", "LicenseRef-scancode-3dslicer-1.0"]
    read = 0
    for _ in range(3000):
        operator = draw.choice(("AND", "OR"))
        parts = [draw.choice((str, str.lower, str.upper))(draw.choice(words))]
        for _ in range(draw.randrange(4)):
            parts += [draw.choice((operator, operator, "OR")), draw.choice(words)]
        if draw.random() < 0.3:
            parts = ["(", *parts, ")"]
        said = _flat(parts)
        assert not said or said == _validated(" ".join(parts)), parts
        read += bool(said)
    assert read > 1000


def test_names_that_others_made_up_are_known_by_their_form():
    assert expressions._is_known("LicenseRef-mine")
    assert expressions._is_known("licenseref-scancode-4suite-1.1")
    assert not expressions._is_known("licenseref-mine")
