from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.programs.operator.settings import TABLE, settings_of


def test_settings_of_images_come_from_file_environment_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text("images:\n  workers: 3\n  mirrors:\n    docker.io: [mirror:5000]\n  pullSecrets: true\n")
    environ = {"LEADLINE_IMAGES_WORKERS": "4", "LEADLINE_IMAGES_DATABASE": "/db"}
    found = settings_of(str(file), environ, {"images_database": "/other"}).images
    assert (found.workers, found.database, found.pull_secrets) == (4, "/other", True)
    assert found.mirrors == {"docker.io": ("mirror:5000",)}
    assert found.pace.at_a_time == 4


def test_a_setting_of_images_that_is_not_known_is_named(tmp_path: Path) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text("images:\n  workres: 3\n")
    with pytest.raises(UsageError, match="workres"):
        settings_of(str(file), {}, {})


def test_each_setting_of_images_but_tables_has_a_flag() -> None:
    flags = {name for option in TABLE.flags() for name in option.opts}
    assert {"--images-pull-secrets", "--images-most-image-mib", "--images-worker-s"} <= flags
    assert "--images-mirrors" not in flags
