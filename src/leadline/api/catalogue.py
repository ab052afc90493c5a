"""All stored kinds, in the order in which discovery names them."""

from leadline.api import kinds
from leadline.api.kind import Kind
from leadline.discover import discover

KINDS = tuple(discover(kinds, Kind))
