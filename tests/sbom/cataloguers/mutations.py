"""Damage done to a valid file, as a hypothesis strategy."""

from hypothesis import strategies as st

_BYTES = st.binary(min_size=1, max_size=8) | st.sampled_from(
    [b"\0", b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\n\n", b"\n", b":", b"\t", b"%", b"\x80"]
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """``content`` with up to six bytes or runs overwritten, put in or taken out, and perhaps cut short."""
    result = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, len(result)))
        piece = draw(_BYTES)
        match draw(st.sampled_from(["over", "in", "out"])):
            case "over":
                result[position : position + len(piece)] = piece
            case "in":
                result[position:position] = piece
            case _:
                del result[position : position + len(piece)]
    if draw(st.booleans()):
        del result[draw(st.integers(0, len(result))) :]
    return bytes(result)
