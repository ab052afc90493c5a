"""Whatever a Dockerfile holds, it is judged or refused, in little time, and every place leads to a line."""

import random
import time
from pathlib import Path

import pytest

from leadline.kube.field_path import parse_path
from leadline.sbom.dockerfile.instructions import RefusedError
from leadline.sources.manifests.dockerfiles import dockerfile_object, dockerfile_of, find_instruction

WHOLE = sorted(Path("tests/posture/controls/supply_chain").glob("*/*.Dockerfile"))
PIECES = (
    *(
        b"\\\n",
        b"<<EOF",
        b"\nEOF\n",
        b"$",
        b"${A:-",
        b"}",
        b'"',
        b"'",
        b"[",
        b"]",
        b"FROM ",
        b"ONBUILD ",
        b"\xff",
        b"=",
    ),
    *(
        b"\nUSER 0\n",
        b'\nENV A=1 B="',
        b"\nARG ",
        b"--from=",
        b"# escape=`\n",
        b"\r\n",
        b"`\n",
        b"{{",
        b"\nLABEL \n",
    ),
    *(
        b"\nFROM a AS a\nFROM a\n",
        b"\nCOPY --from=9999999999 a b\n",
        "²".encode(),
        "٣".encode(),
        b"\nEXPOSE 22\n",
    ),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_damaged_dockerfile_is_judged_or_refused(seed: int):
    chance, judged = random.Random(seed), 0
    started = time.process_time()
    for _ in range(200):
        text = bytearray(chance.choice(WHOLE).read_bytes())
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.choice((0, 0, 0, 5, 30))] = chance.choice((*PIECES, b""))
        try:
            body = dockerfile_object(bytes(text), "Dockerfile")
        except RefusedError:
            continue
        file = dockerfile_of(bytes(text))
        assert file is not None
        for name in filter(str.isupper, body):
            for number in range(len(body[name])):
                assert find_instruction(file, parse_path(f"{name}[{number}]"))[1] == 2
        judged += 1
    assert judged > 20
    assert time.process_time() - started < 5
