"""Secrets that are planted everywhere a process can put one are in no event."""

import msgspec
import pytest

from leadline.model import event as of
from leadline.model.container import Container
from leadline.runtime.learning import Recorder
from leadline.scans.observing.lines import event_line, profile_line
from leadline.scans.observing.redacting import redacted_event

SECRET = "Hunter2xyz9"
TOKEN = "ghp_" + "a1B2" * 9
HEAD = (1, 2, 3, 4, 5, 0, "sh", 0)
ARGUMENTS = [
    ("mysql", f"-p{SECRET}"),
    ("mysql", "--password", SECRET),
    ("mysql", f"--password={SECRET}"),
    ("sshpass", "-p", SECRET, "ssh", "host"),
    ("redis-cli", "-a", SECRET),
    ("curl", "-u", f"admin:{SECRET}", "https://shop.example"),
    ("curl", "-H", f"Authorization: Bearer {SECRET}"),
    ("curl", "-H", f"Cookie: session={SECRET}"),
    ("curl", f"https://admin:{SECRET}@shop.example/?token={SECRET}"),
    ("sh", "-c", f"export PASSWORD={SECRET}; mysql --password {SECRET} -u root"),
    ("sh", "-c", f"curl -u admin:{SECRET} https://shop.example && mysql -p{SECRET}"),
    ("git", "clone", f"https://{TOKEN}@git.example/x"),
    ("tool", TOKEN),
    ("env", f"API_TOKEN={SECRET}", "tool"),
]
EVENTS = [
    *(of.Executed(*HEAD, path="/bin/tool", name="/bin/tool", arguments=one) for one in ARGUMENTS),
    of.Executed(*HEAD, path=f"/srv/{TOKEN}", folder=f"/{TOKEN}", environment=(f"{SECRET}", "LD_PRELOAD")),
    of.Requested(
        *HEAD, method="GET", host=f"admin:{SECRET}@shop.example", path=f"/x?token={SECRET}&page={SECRET}"
    ),
    of.Requested(
        *HEAD, method="GET", host="shop.example", path=f"http://admin:{SECRET}@shop.example/{TOKEN}"
    ),
    of.Requested(*HEAD, method="GET", host="shop.example", path=f"/x?{SECRET}"),
    of.Opened(*HEAD, path=f"/cache/{TOKEN}"),
    of.Linked(*HEAD, target=f"/cache/{TOKEN}", path=f"/{TOKEN}"),
    of.Removed(*HEAD, what="file", path=f"/cache/{TOKEN}"),
    of.Renamed(*HEAD, path=f"/cache/{TOKEN}", new_path=f"/{TOKEN}"),
    of.Mounted(*HEAD, source=f"//user:{SECRET}@host/share", target="/mnt"),
    of.Resolved(*HEAD, name=f"{TOKEN}.tunnel.example"),
    of.TlsStarted(*HEAD, server_name=f"{TOKEN}.tunnel.example"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{type(event).__name__}")
def test_no_output_holds_a_planted_secret(event: of.Event):
    shown = redacted_event(event, frozenset({"LD_PRELOAD"}))
    container = Container("one")
    recorder = Recorder(container)
    recorder.add(shown)
    outputs = (
        msgspec.json.encode(shown),
        event_line(shown, container, "", 0.0),
        profile_line(recorder.profile()),
        repr(shown).encode(),
    )
    for output in outputs:
        assert SECRET.encode() not in output
        assert TOKEN.encode() not in output


def test_of_an_environment_only_the_names_that_were_asked_for_are_kept():
    event = of.Executed(*HEAD, environment=("AWS_SECRET_ACCESS_KEY", "LD_PRELOAD"))
    assert redacted_event(event, frozenset({"LD_PRELOAD"})).environment == ("LD_PRELOAD",)
    assert redacted_event(event).environment == ()


def test_what_is_no_secret_stays():
    event = of.Executed(
        *HEAD, path="/usr/bin/curl", arguments=("curl", "-s", "https://shop.example/cart", "-o", "/tmp/x")
    )
    assert redacted_event(event) == event
    request = of.Requested(*HEAD, method="GET", host="shop.example", path="/cart?page=2")
    assert redacted_event(request).path == "/cart?page=XXXXXX"


FROM_TABLES = frozenset(
    (
        "program",
        "parent_program",
        "tty",
        "direction",
        "address",
        "protocol",
        "type",
        "code",
        "peer",
        "method",
        "what",
        "call",
        "capability",
        "family",
        "user",
    )
)
"""Words of the kernel, of a protocol or of the API server, addresses, and names that the kernel cuts after 15 bytes."""
INNER = frozenset(("cgroup", "parent_cgroup"))
"""They become the id of the container, which is not the process's to choose, and are in no output."""


def free_texts() -> list[tuple[type[of.Event], str]]:
    """Every field into which a process may write what it likes."""
    return [
        (kind, field.name)
        for kind in of.Event.__subclasses__()
        for field in msgspec.structs.fields(kind)
        if field.type is str and field.name not in FROM_TABLES | INNER
    ]


@pytest.mark.parametrize(("kind", "name"), free_texts(), ids=lambda one: getattr(one, "__name__", one))
def test_every_text_of_every_event_is_redacted(kind: type[of.Event], name: str):
    shown = redacted_event(kind(*HEAD, **{name: f"/srv/{TOKEN}"}))
    assert TOKEN not in getattr(shown, name)
    assert TOKEN.encode() not in event_line(shown, Container("one"), "", 0.0)
