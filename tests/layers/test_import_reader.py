"""The process that reads a file can do nothing else, and its end, however violent, is a sentence for people."""

import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from layers.importing.engine import FileToImport, opened
from layers.importing.errors import ImportRefused
from layers.importing.reader import client, wire
from layers.importing.reader.client import Reader
from layers.importing.reader.isolation import ProcessLimits
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import write
from tests.product import BASE

ISOLATED = """
import json, os, sys
from layers.importing.reader.isolation import ProcessLimits, isolate
try:
    isolate(ProcessLimits(**json.loads(sys.argv[2])))
    exec(sys.argv[1], {"say": lambda text: os.write(1, str(text).encode())})
except BaseException as error:
    os.write(1, type(error).__name__.encode())
os._exit(0)
"""


def probe(code: str, **limits: int) -> str:
    """Run code in an isolated process of the reader's kind; what it said, and the signal that ended it, if one did.

    A new interpreter, not a fork of this one: how much memory the tests before took must not count against its limit.
    """
    command = [sys.executable, "-c", ISOLATED, code, json.dumps(limits)]
    result = subprocess.run(command, cwd=BASE, capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else f"{result.stdout}{signal.Signals(-result.returncode).name}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import socket; socket.socket(socket.AF_INET)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError"),
        ("import os; os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (9 << 40, 9 << 40))", "ValueError"),
        ("say(len(bytearray(3 << 30)))", "MemoryError"),
        ("open('/tmp/.reader-limit', 'wb').write(bytes(3 << 20))", "OSError"),
        ("[open('/dev/null') for _ in range(200)]; say('open')", "OSError"),
        ("while True: pass", "SIGXCPU"),
        ("say('fine')", "fine"),
    ],
)
def test_a_reader_gives_up_all_it_does_not_need(code: str, found: str) -> None:
    code = code.replace("[open('/dev/null') for _ in range(200)]", "held = [open('/dev/null') for _ in range(200)]")
    assert probe(code, cpu_s=1, memory_bytes=2 << 30, file_bytes=1 << 20, open_files=64) == found
    Path("/tmp/.reader-limit").unlink(missing_ok=True)


def test_readers_start_without_secrets(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPORTAL_DB_PASSWORD", "molto-segreta")
    monkeypatch.setenv("GEOPORTAL_SECRET_KEY_FILE", "/dove/sta")
    monkeypatch.setattr(client, "_held", None)
    with Reader() as reader:
        environment = Path(f"/proc/{reader._pid}/environ").read_bytes()
    assert b"molto-segreta" not in environment
    assert b"SECRET_KEY_FILE" not in environment
    assert client._held is not None
    client._held.stop()


@pytest.mark.parametrize(
    ("end", "words"),
    [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "troppa memoria"), (signal.SIGXCPU, "più tempo")],
)
def test_a_violent_end_is_a_refusal_in_words(tmp_path: Path, db: None, end: signal.Signals, words: str) -> None:
    file = FileToImport(write(tmp_path / "edifici.gpkg", "GPKG"), "edifici.gpkg")
    with opened(file) as (reader, found):
        assert [layer["name"] for layer in found["layers"]] == ["edifici"]
        os.kill(reader._pid, end)
        with pytest.raises(ImportRefused, match=words):
            reader.ask("inspect", layer=0, srid=None, encoding="", known_srids=[32632])
    with opened(file) as (_reader, found):
        assert found["format"] == "GeoPackage"


def test_a_file_that_asks_for_too_much_memory_is_refused(tmp_path: Path, db: None) -> None:
    path = tmp_path / "grande.geojson"
    feature = '{"type":"Feature","properties":{},"geometry":{"type":"MultiPoint","coordinates":[%s]}}'
    path.write_text('{"type":"FeatureCollection","features":[' + feature % ",".join(["[10,45]"] * 2_000_000) + "]}")
    file = FileToImport(path, path.name)
    # GDAL 3.12 does not check every allocation: what is a refusal here may be its crash.
    with pytest.raises(ImportRefused) as refusal, opened(file, ProcessLimits(memory_bytes=1 << 30)) as (reader, _found):
        reader.ask("inspect", layer=0, srid=None, encoding="", known_srids=[32632])
    assert str(tmp_path) not in str(refusal.value)


def test_only_the_drivers_of_the_recognised_kind_are_registered(tmp_path: Path, import_path: Importer) -> None:
    # A CSV named .geojsonl is recognised as GeoJSONSeq by its name alone; no other driver may then open it.
    path = tmp_path / "finto.geojsonl"
    path.write_text('{"type": "Topology", "objects": {}}\n')
    (outcome,) = import_path(path)
    assert outcome.result == "refused"


def test_a_lying_reader_is_not_believed(db: None) -> None:
    from layers.importing.described import described

    good = {
        "crs": "EPSG:32632", "srid": 32632, "crs_how": "", "encoding": "", "encoding_how": "", "notes": [],
        "rejected_lines": [], "rejected_rows": 0, "expected": 1, "geometry_type": "POINT", "has_z": False,
        "storage_srid": 32632, "fits_web_mercator": True,
        "columns": [{"source": "a", "name": "a", "sql_type": "text", "type": "string", "title": "A"}],
    }  # fmt: skip
    assert described(good, frozenset({32632})).columns[0].name == "a"
    column = good["columns"][0]  # type: ignore[index]
    for lie in (
        {"geometry_type": "POINT); DROP TABLE layers_layer; --"},
        {"storage_srid": 4},
        {"columns": [column | {"sql_type": "text; DROP TABLE x"}]},
        {"columns": [column | {"name": 'a" text, "b'}]},
        {"columns": [column, column]},
        {"columns": "no"},
    ):
        with pytest.raises(ImportRefused, match="senza senso"):
            described(good | lie, frozenset({32632}))


def test_a_frame_that_claims_too_much_is_refused() -> None:
    import socket

    ours, theirs = socket.socketpair()
    theirs.sendall(struct.pack("!cII", b"J", 0, 0xFFFFFFFF))
    with pytest.raises(wire.ReaderGone):
        wire.receive(ours)
    theirs.sendall(struct.pack("!cII", b"X", 0, 1))
    with pytest.raises(wire.ReaderGone):
        wire.receive(ours)


CONFINED = """
from pathlib import Path
import sys
from layers.importing.reader import landlock
assert landlock.confine([Path({given!r})], [Path({folder!r})])
Path({folder!r}, "scritto").write_text("sì")
print(Path({given!r}).read_text())
for path in ({others!r}):
    try:
        open(path, "rb").read(1)
        print("letto", path)
    except PermissionError:
        pass
for path in ({given!r}, {secret!r}, "/tmp/.fuori"):
    try:
        open(path, "ab")
        print("scritto", path)
    except PermissionError:
        pass
"""


def test_a_reader_sees_its_file_and_no_other_not_even_as_root(tmp_path: Path) -> None:
    given, secret, folder = tmp_path / "dato.csv", tmp_path / "segreto", tmp_path / "suo"
    given.write_text("il dato")
    secret.write_text("x")
    folder.mkdir()
    others = ["/etc/passwd", str(secret), str(BASE / "manage.py"), str(BASE / "pyproject.toml"), "/proc/1/environ"]
    code = CONFINED.format(given=str(given), folder=str(folder), others=others, secret=str(secret))
    environment = {**os.environ, "PYTHONPATH": str(BASE)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    if "AssertionError" in done.stderr:
        pytest.skip("this kernel has no Landlock")
    assert (done.stdout.strip(), done.stderr) == ("il dato", "")


def test_the_reader_of_a_file_is_confined(tmp_path: Path, db: None) -> None:
    with opened(FileToImport(write(tmp_path / "edifici.gpkg", "GPKG"), "edifici.gpkg")) as (_reader, found):
        assert "file access" not in found["not_isolated"]


def test_readers_are_forked_from_a_process_of_one_thread(db: None) -> None:
    with Reader():
        assert client._held is not None
        tasks = list(Path(f"/proc/{client._held._process.pid}/task").iterdir())
    assert len(tasks) == 1
