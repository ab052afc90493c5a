from hypothesis import given
from hypothesis import strategies as st

from leadline.packages.name_endings import NameEndings

TEXT = st.text(alphabet=".ab", max_size=6)


@given(st.lists(TEXT.filter(bool), max_size=4), TEXT)
def test_a_name_ends_as_python_says(endings: list[str], name: str):
    assert NameEndings(endings).end(name) == name.endswith(tuple(endings))
