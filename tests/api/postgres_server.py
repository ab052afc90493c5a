"""A PostgreSQL of its own for tests: Debian's, in a temporary folder, over a socket there; where asked, at an address too."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
USER = "postgres"


class PostgresServer:
    """``start``; ``database`` makes an empty one and gives its address; ``stop`` removes everything."""

    def __init__(self, address: str = "", port: int = 0) -> None:
        versions = sorted(PROGRAMS.glob("*/bin/postgres"))
        assert versions, "PostgreSQL is not installed"
        self._programs = versions[-1].parent
        # Its socket's path may have a hundred characters at most.
        self._folder = Path(tempfile.mkdtemp(prefix="leadline-pg-"))
        self._count = 0
        self._address, self._port = address, port

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
        with self.away():
            pass

    @contextmanager
    def away(self) -> Iterator[None]:
        """It takes no connections, and those that were there are lost."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        try:
            yield
        finally:
            self._start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It takes connections, and answers nothing."""
        keeper = (self._folder / "data" / "postmaster.pid").read_text().splitlines()[0]
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        for process in (keeper, *children):
            os.kill(int(process), signal.SIGSTOP)
        try:
            yield
        finally:
            for process in (*children, keeper):
                os.kill(int(process), signal.SIGCONT)

    def database(self) -> str:
        """A schema: much quicker to make and to remove than a database."""
        self._count += 1
        name = f"store{self._count}"
        self._run("psql", "-h", str(self._folder), "-U", USER, "-c", f"CREATE SCHEMA {name}", USER)
        return f"postgresql://{USER}@/{USER}?host={self._folder}&search_path={name}"

    def owned(self) -> str:
        """A schema of a role without rights beyond it, as a program has it that is held to row-level security."""
        self._count += 1
        name = f"owned{self._count}"
        words = f"CREATE ROLE {name} LOGIN; CREATE SCHEMA {name} AUTHORIZATION {name}"
        self._run("psql", "-h", str(self._folder), "-U", USER, "-c", words, USER)
        return f"postgresql://{name}@/{USER}?host={self._folder}&search_path={name}"

    def restored(self, dump: Path) -> str:
        """The address of a database with what ``dump`` holds, which calls its schema ``SCHEMA``."""
        address = self.database()
        script = self._folder / "dump.sql"
        script.write_text(dump.read_text("utf-8").replace("SCHEMA", f"store{self._count}"), "utf-8")
        script.chmod(0o644)
        self._run(
            "psql", "-h", str(self._folder), "-U", USER, "-v", "ON_ERROR_STOP=1", "-f", str(script), USER
        )
        return address

    def execute(self, address: str, statement: str) -> None:
        schema = address.rpartition("=")[2]
        words = f"SET search_path TO {schema}; {statement}"
        self._run("psql", "-h", str(self._folder), "-U", USER, "-v", "ON_ERROR_STOP=1", "-c", words, USER)

    def address_for(self, user: str, password: str) -> str:
        """For clients on other hosts, who have to sign in."""
        made = f"CREATE ROLE {user} LOGIN PASSWORD '{password}'; CREATE DATABASE {user} OWNER {user}"
        with (self._folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        for statement in (*made.split("; "), "SELECT pg_reload_conf()"):
            self._run("psql", "-h", str(self._folder), *self._at, "-U", USER, "-c", statement, USER)
        return f"postgresql://{user}:{password}@{self._address}:{self._port}/{user}"

    @property
    def _at(self) -> tuple[str, ...]:
        # The port is part of the name of the socket.
        return ("-p", str(self._port)) if self._port else ()

    def _start(self) -> None:
        place = f"-c port={self._port} " if self._port else ""
        options = f"{place}-c listen_addresses='{self._address}' -c unix_socket_directories='{self._folder}' -c max_connections=60"
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
                timeout=300,
                check=False,
                cwd=self._folder,
            )
            said.seek(0)
            assert not check or run.returncode == 0, f"{program}: {said.read()}"
