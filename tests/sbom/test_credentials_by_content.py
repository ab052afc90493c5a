"""Credentials in small text files of any name; what documentation, code and packages are full of is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.sbom.secrets.content import (
    _LIKE_ADDRESS,
    _OF_ADDRESS,
    LARGEST_BYTES,
    is_open_below,
    is_searched,
    tokens_in,
)
from leadline.sbom.secrets.patterns import pattern_of

GITHUB = "ghp_" + "a1B2" * 9
KEY = "-----BEGIN PRIVATE KEY-----"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
MARKS = (
    b"://",
    b":",
    b"@",
    b"ghp_",
    b"-----BEGIN PRIVATE KEY-----",
    b"password: ",
    b"\n",
    b"\xff",
    b"A" * 40,
    b"#",
    b"'",
    b'"',
)
FOUND = {
    "app/config.yaml": (f"# x\ntoken: {GITHUB}\n", ["GitHub token in line 2"]),
    "app/main.py": (
        'DATABASE = "postgres://shop:h3XkP9q2@db.internal:5432/shop"\n',
        ["password in an address in line 1"],
    ),
    "srv/robot.json": (
        f'{{"type": "service_account",\n"private_key": "{KEY}\\n{BODY}\\n"}}',
        ["private key in line 2"],
    ),
    "run.sh": (
        "#!/bin/sh\nexport AWS_ACCESS_KEY_ID=AKIA" + "Q2W3E4R5T6Y7U2I3\n",
        ["AWS access key in line 2"],
    ),
    "app/application-prod.yml": (
        "spring:\n  datasource:\n    password: Tr0ub4dor&3\n",
        ["credential by its name in line 3"],
    ),
    "app/notes": ("glpat-" + "x9Yz8Wv7Ut6Sr5Qp4On3", ["GitLab token in line 1"]),
    "app/key.txt": (f"{KEY}\n{BODY}\n", ["private key in line 1"]),
}
NOT_FOUND = {
    "app/example.py": 'URL = "postgres://user:password@localhost/db"',
    "app/other.py": 'URL = "https://name:secret@example.com"',
    "app/comment.py": "# postgres://shop:h3XkP9q2@db.internal:5432/shop",
    "app/check.py": f'if text.startswith("{KEY}"): pass',
    "app/aws.md": "AKIAIOSFODNN7EXAMPLE",
    "app/variables.sh": "curl https://$USER:$PASSWORD@db.internal/",
    "app/Settings.tsx": "password: string",
    "app/config.yml": "password: ${PASSWORD}\ntoken: {{ .Values.token }}\n# password: Tr0ub4dor&3\n",
    "etc/config.yaml": "password: Tr0ub4dor&3",
    "app/binary": f"\0{GITHUB}",
}


@pytest.mark.parametrize("path", FOUND)
def test_what_has_a_form_is_found_by_its_line(path):
    text, expected = FOUND[path]
    assert list(tokens_in(path, text.encode())) == expected


@pytest.mark.parametrize("path", NOT_FOUND)
def test_what_only_reads_like_one_is_not(path):
    assert list(tokens_in(path, NOT_FOUND[path].encode())) == []


def test_one_file_does_not_fill_the_report():
    found = list(tokens_in("app/a", (f"{GITHUB}\n" * 50).encode()))
    assert len(found) == 21
    assert found[-1] == "more from line 21 on"


@pytest.mark.parametrize(
    "folder", ["", "app", "srv/www", "home/user", "usr/src/app", "usr/share/nginx/html", "opt/shop", "etc"]
)
def test_folders_that_people_fill_are_searched(folder):
    assert is_searched(folder)


@pytest.mark.parametrize(
    "folder",
    [
        "usr/lib/python3/dist-packages/x",
        "usr/share/doc",
        "lib",
        "app/node_modules/x",
        "var/lib/dpkg/info",
        "app/tests",
    ],
)
def test_folders_that_packages_fill_are_not(folder):
    assert not is_searched(folder)


@pytest.mark.parametrize(
    "mark",
    [b"://a:b@", b"-----BEGIN PRIVATE KEY-----\n", b"sk-", b"SG.", b"1//0", b"\xff\xfe", b"\n", b"xox"],
)
def test_a_file_that_is_full_of_beginnings_is_read_in_time(mark):
    content = (mark * LARGEST_BYTES)[:LARGEST_BYTES]
    list(tokens_in("app/config.yaml", content))


@given(st.binary(max_size=2_000) | st.lists(st.sampled_from(MARKS), max_size=60).map(b"".join))
def test_any_file_is_searched_and_lines_are_those_that_it_has(content):
    for one in tokens_in("app/config.yaml", content):
        number = int(one.rpartition(" line ")[2].removesuffix(" on"))
        assert 1 <= number <= content.count(b"\n") + 1


@given(st.text(alphabet="htp:/@a1.\"'$<% \n\u00e9\u00a0", max_size=40), st.integers(0, 90))
def test_what_has_a_password_in_an_address_is_like_one(text, length):
    text = text.replace("t", "://").replace("p", "a" * length)
    if pattern_of(_OF_ADDRESS).search(text):
        assert _LIKE_ADDRESS.search(text.encode())


@given(st.lists(st.sampled_from(("usr", "share", "nginx", "html", "lib", "node_modules", "app", "tests", "x")), max_size=6))  # fmt: skip
def test_below_a_closed_folder_no_file_is_searched(parts):
    for end in range(len(parts)):
        above = "/".join(parts[:end])
        if not is_searched(above) and not is_open_below(above):
            assert not is_searched("/".join(parts))
