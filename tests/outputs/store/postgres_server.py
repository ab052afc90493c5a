"""A PostgreSQL of its own for tests: Debian's, in a temporary folder, over a socket there."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
USER = "postgres"


class PostgresServer:
    """``start``; ``database`` makes an empty one and gives its address; ``stop`` removes everything."""

    def __init__(self) -> None:
        versions = sorted(PROGRAMS.glob("*/bin/postgres"))
        assert versions, "PostgreSQL is not installed"
        self._programs = versions[-1].parent
        # Its socket's path may have a hundred characters at most.
        self._folder = Path(tempfile.mkdtemp(prefix="leadline-pg-"))
        self._count = 0

    def start(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, USER, USER)
        self._run("initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", USER, "--no-sync")
        self._start()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart(self) -> None:
        """As after a crash: connections are lost."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        self._start()

    def database(self) -> str:
        """A schema: much quicker to make and to remove than a database."""
        self._count += 1
        name = f"store{self._count}"
        self._run("psql", "-h", str(self._folder), "-U", USER, "-c", f"CREATE SCHEMA {name}", USER)
        return f"postgresql://{USER}@/{USER}?host={self._folder}&search_path={name}"

    def _start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c max_connections=60"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-o", options, "-l", log, "-w", "start")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]
        # Into a file: the server inherits the output of pg_ctl, and would hold a pipe open.
        with (self._folder / "said").open("w+") as said:
            run = subprocess.run(
                command,
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                timeout=60,
                check=False,
                cwd=self._folder,
            )
            said.seek(0)
            assert not check or run.returncode == 0, f"{program}: {said.read()}"
