"""The database behind the example image, made of the sample in the package for the time of one scan."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAMPLE_IMAGE = "sha256:f3abc534a4e3f8c2e300b95fa629baa2416f2a055b7dce4edbadfb39fa3abc4f"
"""The digest of the configuration of ``examples/image/web.tar``."""


@contextmanager
def sample_for(image_id: str) -> Iterator[Path | None]:
    """A database of the sample, where the image is the one that it was made for; ``None`` for every other image."""
    if image_id != SAMPLE_IMAGE:
        yield None
        return
    import tempfile  # as what follows it is for one image alone

    import leadline.vulnerabilities.feeds
    from leadline.discover import discover
    from leadline.vulnerabilities.database_builder import build
    from leadline.vulnerabilities.feed import Feed
    from leadline.vulnerabilities.sample import MADE, sample_documents

    with tempfile.TemporaryDirectory(prefix="leadline-") as folder:
        path = Path(folder) / "sample.db"
        build(sample_documents(), discover(leadline.vulnerabilities.feeds, Feed), path, built=MADE)
        yield path
