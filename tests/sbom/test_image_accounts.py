import pytest

from leadline.sbom.identity.accounts import accounts_in


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("a:x:100:100::/:/bin/sh", 100),
        ("  a:x:100", 100),
        ("a:x:+7:", 7),
        ("a:x:007:", 7),
        ("a:x::", 0),
        ("a:x: 5:", 0),
        ("a:x:five:", 0),
        ("a", 0),
        ("a:x:4294967296:", 0),
        ("a:x:" + "9" * 9000, 4294967295),
        ("a:x:-" + "9" * 9000, 0),
        ("a:x:-1:", 4294967295),
        ("a:x:٧:", 0),
    ],
)
def test_numbers_are_read_as_runtimes_read_them(line: str, number: int):
    assert [(one.name, one.number) for one in accounts_in(line.encode())] == [("a", number)]


def test_the_first_line_with_a_name_counts():
    content = b"# comment\n\nroot:x:0:0\r\nweb:x:33:33\nroot:x:5:5\n\xff\xfe:x:1:1\n:x:0:0\n"
    assert [(one.name, one.number) for one in accounts_in(content)] == [
        ("# comment", 0),
        ("root", 0),
        ("web", 33),
        ("\ufffd\ufffd", 1),
    ]
