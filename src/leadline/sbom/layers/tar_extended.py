"""What the headers in front of an entry say of it: pax records and GNU's long names
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html).
"""

from leadline.sbom.layers.stream import Damaged

NEW_LINE = ord("\n")


class Extended:
    """Gathered until the entry comes."""

    def __init__(self) -> None:
        self.gnu_path = ""
        """Goes before ``path``, wherever it is."""
        self.gnu_target = ""
        self.path = ""
        self.target = ""
        self.size: int | None = None
        self.sparse_name = ""
        self.sparse_size = 0
        self.sparse_map: list[tuple[int, int]] = []
        self.sparse_form = (b"", b"")
        """Major and minor number."""

    @property
    def sparse_in_body(self) -> bool:
        """Whether the map of a sparse file is in front of its content."""
        return self.sparse_form == (b"1", b"0")

    @property
    def is_sparse(self) -> bool:
        """Whether ``sparse_map`` counts; the oldest form has no number."""
        is_known = self.sparse_form in ((b"0", b"0"), (b"0", b"1"))
        return is_known or (self.sparse_form == (b"", b"") and bool(self.sparse_map))


def read_pax(before: Extended, data: bytes) -> Extended:
    """The records in ``data``, and GNU's names from ``before``. Raises ``Damaged``."""
    extended = Extended()
    extended.gnu_path, extended.gnu_target = before.gnu_path, before.gnu_target
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        if space < 0:
            if data[at:].strip(b"\0"):
                raise Damaged("not a record in an extended tar header")
            break
        end = at + decimal(data[at:space])
        if end <= space + 1 or end > len(data) or data[end - 1] != NEW_LINE:
            raise Damaged("a record of an extended tar header has a wrong length")
        key, _, value = data[space + 1 : end - 1].partition(b"=")
        at = end
        if value:
            # An empty one takes back nothing: the header itself counts.
            _take_record(extended, key, value)
    return extended


def _take_record(extended: Extended, key: bytes, value: bytes) -> None:
    match key:
        case b"path":
            extended.path = _name(value)
        case b"linkpath":
            extended.target = _name(value)
        case b"size":
            extended.size = decimal(value)
        case b"GNU.sparse.name":
            extended.sparse_name = text_of(value)
        case b"GNU.sparse.realsize" | b"GNU.sparse.size":
            extended.sparse_size = decimal(value)
        case b"GNU.sparse.major":
            extended.sparse_form = value, extended.sparse_form[1]
        case b"GNU.sparse.minor":
            extended.sparse_form = extended.sparse_form[0], value
        case b"GNU.sparse.map":
            numbers = [decimal(number) for number in value.split(b",")]
            if len(numbers) % 2:
                raise Damaged("the map of a sparse file is cut short")
            extended.sparse_map = list(zip(numbers[::2], numbers[1::2], strict=True))
        case b"GNU.sparse.offset":
            extended.sparse_map.append((decimal(value), 0))
        case b"GNU.sparse.numbytes":
            if extended.sparse_map:
                extended.sparse_map[-1] = (extended.sparse_map[-1][0], decimal(value))
        case _:
            pass


def _name(value: bytes) -> str:
    if b"\0" in value:
        raise Damaged("a name in an extended tar header holds a zero byte")
    return text_of(value)


def text_of(field: bytes) -> str:
    r"""Up to the first zero byte; bytes that are not UTF-8 stay apart as ``\xfe``."""
    end = field.find(0)
    if end >= 0:
        field = field[:end]
    return field.decode("utf-8", "backslashreplace")


def decimal(field: bytes) -> int:
    """Raises ``Damaged`` where it is not a number."""
    if not field.isdigit() or len(field) > 18:
        raise Damaged("not a number in an extended tar header")
    return int(field)
