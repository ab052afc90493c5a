"""What is run counts as loaded; what is only read does not, whoever reads it."""

import pytest

from leadline.model.container import Container
from leadline.model.event import COLLAPSED, PSEUDO, Event, Executed, Mapped, Opened
from leadline.packages.code_files import SOURCES, source_of
from leadline.runtime import loading
from leadline.runtime.learning import Recorder
from leadline.runtime.loading import suffixes_by, suffixes_of

PYTHON = "/usr/bin/python3.11"
LIBRARY = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"


def head(flags: int = 0) -> tuple[int, int, int, int, int, int, str, int]:
    return 1, 5, 77, 100, 1, 0, "x", flags


def loaded(*events: tuple[Event, str]) -> tuple[str, ...]:
    recorder = Recorder(Container("one"))
    for event, program in events:
        recorder.add(event, program)
    return recorder.profile().loaded


@pytest.mark.parametrize(
    ("program", "path", "is_loaded"),
    [
        (PYTHON, "/app/main.py", True),
        ("/opt/conda/bin/python3.12", "/app/main.py", True),
        (PYTHON, "/lib/dist-packages/flask-2.dist-info/METADATA", False),
        (PYTHON, "/srv/index.js", False),
        ("/usr/bin/cat", "/app/main.py", False),
        ("/usr/bin/node", "/app/index.js", True),
        ("/usr/bin/node", "/app/package.json", False),
        ("/usr/bin/node", "/app/node_modules/mime-db/db.json", True),
        ("/usr/bin/tar", "/app/index.js", False),
        ("/usr/lib/jvm/java-17/bin/java", "/app/lib/a.jar", True),
        ("/usr/bin/unzip", "/app/lib/a.jar", False),
        ("/usr/sbin/php-fpm8.2", "/srv/vendor/a/b.php", True),
        ("/usr/bin/ruby3.1", "/var/lib/gems/3.1.0/gems/rack-3/lib/rack.rb", True),
        ("/usr/bin/perl", "/usr/share/perl5/JSON.pm", True),
    ],
)
def test_a_source_file_counts_if_the_interpreter_of_its_language_opened_it(
    program: str, path: str, is_loaded: bool
):
    assert loaded((Opened(*head(), path), program)) == ((path,) if is_loaded else ())


def test_a_file_that_is_written_or_a_folder_is_not_loaded():
    for flags in (0o1, 0o200000):
        assert loaded((Opened(*head(), "/app/main.py", flags), PYTHON)) == ()


def test_compiled_python_is_its_source():
    assert source_of("/a/__pycache__/b.cpython-311.pyc") == "/a/b.py"
    assert source_of("/a/__pycache__/b.cpython-311.opt-1.pyc") == "/a/b.py"
    assert source_of("/a/b.pyc") == "/a/b.pyc"


def test_programs_and_libraries_count_if_they_are_executed_or_mapped():
    script = Executed(*head(), path="/usr/bin/bash", name="/usr/bin/run.sh")
    assert loaded(
        (script, "/usr/bin/bash"), (Mapped(*head(), "/lib/libz.so.1"), "/usr/bin/bash"),
        (Mapped(*head(PSEUDO), "memfd:x"), "/usr/bin/bash"), (Opened(*head(), "/lib/libssl.so.3"), "/usr/bin/cp"),
    ) == ("/lib/libz.so.1", "/usr/bin/bash", "/usr/bin/run.sh")  # fmt: skip


def test_a_program_that_embeds_an_interpreter_loads_what_the_interpreter_does():
    opened = (Opened(*head(), "/app/wsgi.py"), "/usr/sbin/apache2")
    assert loaded(opened) == ()
    assert "/app/wsgi.py" in loaded((Mapped(*head(), LIBRARY), "/usr/sbin/apache2"), opened)


def test_a_folder_in_which_too_much_was_opened_counts_whole_if_an_interpreter_opened_it():
    folder = Opened(*head(COLLAPSED), "/app/lib")
    assert "/app/lib/⋯.py" in loaded((folder, PYTHON))
    assert loaded((folder, "/usr/bin/ruby")) == ("/app/lib/⋯.rb", "/app/lib/⋯.ru")
    assert loaded((folder, "/usr/bin/cat")) == ()


@pytest.mark.parametrize(
    ("library", "suffix"),
    [(LIBRARY, ".py"), ("/x/libphp8.2.so", ".php"), ("/x/libphp.so", ".php"), ("/x/libruby-3.1.so.3.1", ".rb"),
     ("/x/libperl.so.5.36", ".pm"), ("/x/server/libjvm.so", ".jar"), ("/x/libnode.so.108", ".js")],
)  # fmt: skip
def test_libraries_of_interpreters_are_known_by_name(library: str, suffix: str):
    assert suffix in suffixes_by(library)


@pytest.mark.parametrize(
    "name", ["cat", "pythonista", "find", "restic", "nodetool", "phpize-not", "libz.so.1", ""]
)
def test_other_programs_are_no_interpreters(name: str):
    assert (suffixes_of(name), suffixes_by(name)) == ((), ())


def test_what_interpreters_load_is_code_of_packages():
    """Data in JSON and archives apart, of which a name says nothing."""
    unsaid = {".json", ".zip", ".go"}
    suffixes = {one for _, found in loading._RUNTIMES for one in found}
    assert suffixes - unsaid == set(SOURCES)
