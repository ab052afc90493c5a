import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sbom.licences.expressions import LONGEST, any_of, licences_in, spdx, spdx_all

NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache-2": "Apache-2.0",
    "ASL 2.0": "Apache-2.0",
    "The MIT License": "MIT",
    "MIT License": "MIT",
    "Expat": "MIT",
    "mit": "MIT",
    "BSD-3-clause": "BSD-3-Clause",
    "New BSD License": "BSD-3-Clause",
    "GPL-2": "GPL-2.0-only",
    "GPL2": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later",
    "GPLv2+": "GPL-2.0-or-later",
    "GPL-2.0": "GPL-2.0-only",
    "GPL-2.0+": "GPL-2.0-or-later",
    "GNU GPL v3": "GPL-3.0-only",
    "GPL v2 or later": "GPL-2.0-or-later",
    "LGPLv2.1+": "LGPL-2.1-or-later",
    "LGPL-3": "LGPL-3.0-only",
    "AGPL-3+": "AGPL-3.0-or-later",
    "GFDL-1.3+": "GFDL-1.3-or-later",
    "MPLv2.0": "MPL-2.0",
    "zlib": "Zlib",
    "zlib/libpng": "Zlib",
    "Boost": "BSL-1.0",
    "Artistic or GPL-1+": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "GPLv2+ and LGPLv2+": "GPL-2.0-or-later AND LGPL-2.0-or-later",
    "(MIT or GPLv2) and BSD-3-Clause": "(MIT OR GPL-2.0-only) AND BSD-3-Clause",
    "MIT, and BSD-3-Clause": "MIT AND BSD-3-Clause",
    "ISC and/or LGPL-2.1+": "ISC OR LGPL-2.1-or-later",
    "GPL+": "GPL-1.0-or-later",
    "GPL-2 with Linux-syscall-note exception": "GPL-2.0-only WITH Linux-syscall-note",
    "MIT | Apache-2.0": "MIT OR Apache-2.0",
    "GPL-2.0-only WITH Classpath-exception-2.0": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-3+ with GCC exception": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "Apache-2.0 WITH LLVM-exception": "Apache-2.0 WITH LLVM-exception",
    "The Apache Software License, Version 2.0": "Apache-2.0",
    '"Apache License, Version 2.0"': "Apache-2.0",
    "http://www.apache.org/licenses/LICENSE-2.0.txt": "Apache-2.0",
    "https://opensource.org/licenses/BSD-2-Clause": "BSD-2-Clause",
    "http://www.opensource.org/licenses/mit-license.php": "MIT",
    "https://spdx.org/licenses/MIT.html": "MIT",
    "http://www.eclipse.org/org/documents/epl-v10.php": "EPL-1.0",
    "https://www.eclipse.org/org/documents/epl-2.0/EPL-2.0.txt": "EPL-2.0",
    "https://www.mozilla.org/en-US/MPL/2.0/": "MPL-2.0",
    "http://www.gnu.org/licenses/old-licenses/lgpl-2.1.html": "LGPL-2.1-only",
    "https://creativecommons.org/licenses/by-sa/3.0/": "CC-BY-SA-3.0",
    "Eclipse Public License - v 2.0": "EPL-2.0",
    "Eclipse Distribution License v. 1.0": "BSD-3-Clause",
    "EUPL 1.2": "EUPL-1.2",
    "BSD3": "BSD-3-Clause",
    "PSFL": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT/Apache-2.0": "MIT OR Apache-2.0",
    "gpl-2.0 AND LicenseRef-Fedora-Public-Domain": "GPL-2.0-only AND LicenseRef-Fedora-Public-Domain",
    "(mit OR LicenseRef-a) AND LicenseRef-b.c": "(MIT OR LicenseRef-a) AND LicenseRef-b.c",
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Lesser General Public License, version 2.1": "LGPL-2.1-only",
    "The GNU General Public License (GPL), Version 2, With Classpath Exception": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL2 w/ CPE": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-2+ with Autoconf-data exception": "GPL-2.0-or-later WITH Autoconf-exception-generic",
    "GFDL-NIV-1.3+": "GFDL-1.3-no-invariants-or-later",
    "  spread \n over   lines ": "spread over lines",
}
AS_WRITTEN = [
    "BSD",
    "Public Domain",
    "GPL-2.1",
    "LGPL-1",
    "GPL-2+ with OpenSSL exception",
    "MIT and something else",
    "MIT AND (",
    "AND",
    ")(",
    "(((((((((((((((((((((((((MIT)))))))))))))))))))))))))",
    "Copyright (c) 2020 Ada Example",
    "https://example.org/licenses/MIT",
    "https://opensource.org/licenses/no-such",
    "MIT (see LICENSE)",
    "MIT/BSD",
    "MIT WITH LicenseRef-a",
    "LicenseRef-é",
    "own0own AND LicenseRef-a",
    "GNU Lesser General Public License",
    "Apache Software License",
    "BSD License",
    "",
]


@pytest.mark.parametrize("written", NAMES)
def test_name_becomes_an_spdx_expression(written: str) -> None:
    assert spdx(written) == NAMES[written]


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_what_spdx_cannot_say_stays_as_written(written: str) -> None:
    assert spdx(written) == written


@pytest.mark.parametrize("written", sorted(set(NAMES.values())))
def test_an_spdx_expression_is_left_alone(written: str) -> None:
    assert spdx(written) == written


def test_several_are_kept_in_order_and_once() -> None:
    assert spdx_all(["GPLv2", "", "MIT", "GPL-2.0-only", "own words"]) == ("GPL-2.0-only", "MIT", "own words")


def test_a_licence_that_spdx_cannot_say_does_not_hide_those_beside_it() -> None:
    assert spdx_all(["GPL-1+ or Artistic, and REGCOMP, and BSD-3-clause"]) == (
        "GPL-1.0-or-later OR Artistic-1.0-Perl",
        "REGCOMP",
        "BSD-3-Clause",
    )
    assert spdx_all(["GPLv2+ and Public Domain"]) == ("GPL-2.0-or-later", "Public Domain")
    for written in ("Own words, and more of them", "MIT and BSD or ISC", "(MIT and BSD)", "MIT, and ", "and"):
        assert spdx_all([written]) == (written.strip(),)


def test_any_of_several_is_one_choice() -> None:
    assert any_of(["MIT", "Apache 2", "MIT", ""]) == ("MIT OR Apache-2.0",)
    assert any_of(["MIT and ISC", "GPL-2"]) == ("(MIT AND ISC) OR GPL-2.0-only",)
    assert any_of(["own words", "MIT"]) == ("own words OR MIT",)
    assert (any_of([]), any_of(["own words"])) == ((), ("own words",))


def test_a_whole_licence_text_is_known_by_its_wording() -> None:
    grant = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"
    assert spdx(f"MIT License\n\n{grant}" + " and more" * 200) == "MIT"


def test_a_whole_licence_text_that_nobody_knows_is_cut() -> None:
    assert spdx("word " * 10_000) == " ".join(["word"] * (LONGEST // 5)) + " …"


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        (
            "Permission is hereby  granted, free of charge, to any person obtaining\na copy of this software",
            ("MIT",),
        ),
        (
            "Redistribution and use in source and binary forms, with or without modification, are",
            ("BSD-2-Clause",),
        ),
        (
            "Redistribution and use in source and binary forms, with or without modification, are …"
            " be used to endorse or promote products …",
            ("BSD-3-Clause",),
        ),
        (
            "Licensed under the Apache License, Version 2.0 (the License)\n"
            "to alter it and redistribute it freely, subject to the following restrictions",
            ("Apache-2.0", "Zlib"),
        ),
        (
            "/*\n * Permission is hereby granted, free of charge, to any person\n * obtaining a copy of this software",
            ("MIT",),
        ),
        (
            "under the terms of the GNU General Public License as published by the Free Software Foundation;\n"
            "# either version 2 of the License, or (at your option) any later version. See also the GNU Lesser\n"
            "# General Public License, version 2.1 (or, at your option, any later version)",
            ("GPL-2.0-or-later", "LGPL-2.1-or-later"),
        ),
        ("the GNU General Public License version 2", ()),
        ("GNU General Public License version 7, or (at your option) any later version", ()),
        ("You may obtain a copy at http://www.apache.org/licenses/LICENSE-2.0", ("Apache-2.0",)),
        ("All rights reserved.", ()),
    ],
)
def test_licence_is_known_by_its_own_wording(text: str, licences: tuple[str, ...]) -> None:
    assert licences_in(text) == licences


@given(
    st.lists(
        st.sampled_from(
            ["MIT", "GPL-2+", "x", " and ", " OR ", " with ", "(", ")", "|", ",", ";", " ", "é", "-"]
        ),
        max_size=40,
    ).map("".join)
)
@settings(deadline=None)
def test_any_text_is_read_without_fault_and_stays_put(written: str) -> None:
    once = spdx(written)
    assert spdx(once) == once
