"""The vulnerability database is asked for again and again, in processes that end."""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from leadline.programs.operator.images.jobs import ImageSettings
from leadline.programs.operator.main import COMMAND, keep_database, wait_s


def stand_in(tmp_path: Path, ending: str) -> tuple[str, ...]:
    """A program that writes its arguments into ``asked`` and ends as ``ending`` says."""
    program = tmp_path / "update.py"
    program.write_text(
        f"import sys\nwith open({str(tmp_path / 'asked')!r}, 'a') as log:\n"
        f"    log.write(' '.join(sys.argv[1:]) + '\\n')\n{ending}\n"
    )
    return sys.executable, str(program)


def run_until_asked(settings: ImageSettings, command: tuple[str, ...], asked: Path, times: int) -> list[str]:
    async def scenario() -> list[str]:
        task = asyncio.ensure_future(keep_database(settings, command))
        async with asyncio.timeout(60):
            while not asked.exists() or len(asked.read_text().splitlines()) < times:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return asked.read_text().splitlines()

    return asyncio.run(scenario())


def settings(**more: str) -> ImageSettings:
    return ImageSettings(
        database="/data/v.db", database_address="oci://r/db:1", database_every_h=0.00001, **more
    )


def test_the_publisher_has_to_be_one_of_the_keys(tmp_path: Path):
    command = stand_in(tmp_path, "")
    asked = run_until_asked(
        settings(database_key="keys.pub", ca_file="ca.pem"), command, tmp_path / "asked", 1
    )
    assert asked[0] == "oci://r/db:1 --output /data/v.db --key keys.pub --ca-file ca.pem"


def test_without_keys_anyone_is_believed(tmp_path: Path):
    asked = run_until_asked(settings(), stand_in(tmp_path, ""), tmp_path / "asked", 1)
    assert asked[0] == "oci://r/db:1 --output /data/v.db --allow-unsigned"


def test_it_is_fetched_by_a_command_that_there_is():
    assert COMMAND[-3:] == ("db", "fetch", "--from")


def test_a_failure_is_said_and_does_not_end_it(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    ending = "sys.stderr.write('first\\nleadline: registry is away\\n'); sys.exit(3)"
    with caplog.at_level(logging.WARNING):
        run_until_asked(settings(), stand_in(tmp_path, ending), tmp_path / "asked", 2)
    assert "was not updated: leadline: registry is away" in caplog.text


@pytest.mark.parametrize(
    ("failures", "every_s", "wanted"),
    [(0, 21600, 21600), (1, 21600, 5), (2, 21600, 10), (7, 21600, 300), (10_000, 21600, 300), (3, 2, 2)],
)
def test_a_failure_is_tried_again_soon_and_then_less_and_less_often(
    failures: int, every_s: float, wanted: float
):
    assert wait_s(failures, every_s) == wanted
