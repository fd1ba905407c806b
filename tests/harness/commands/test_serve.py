"""The live page: what it shows, who may see it, and that a real browser shows it anew."""

import fcntl
import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import rows_factory as factory

from harness.commands import live, serve
from harness.commands.options import parser
from harness.commands.serve import Server
from harness.errors import BadInput, Ended
from harness.storage.protocol import Event, append, read
from tests.commands import ended

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study with half of its rows."""
    study = factory.study(seeds=2)
    rows = factory.rows(study)
    return factory.write(tmp_path / "made-up", study, rows[: len(rows) // 2])


def finish(folder: Path) -> int:
    """Adds the rows that are missing; gives how many trials there are."""
    study = factory.study(seeds=2)
    factory.write(folder, study, factory.rows(study))
    return len(study["plan"])


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Server(folder) as found:
        thread = Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def asked(server: Server, path: str, host: str | None = None, method: str = "GET") -> tuple[int, str, str]:
    """Status, Content-Security-Policy, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{server.server_port}"})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Security-Policy", ""), answer.read().decode()


def test_the_page_shows_progress_the_table_and_curves(folder: Path) -> None:
    study = factory.study(seeds=2)
    half = len(factory.rows(study)) // 2
    text = live.fragment(folder)
    assert f"{half} of {len(study['plan'])} trials" in text
    assert "<td>darts-A" in text
    assert "<h2>Training loss of final trainings</h2>" in text
    assert text.count("<polyline") == sum(bool(row["curve"]) for row in factory.rows(study)[:half])


def test_points_go_from_the_first_epoch_to_the_last_and_leave_out_what_is_no_number() -> None:
    across, down = live.WIDTH, live.HEIGHT
    assert live.points([1.0, float("nan"), 3.0], 3, 1.0, 3.0) == f"0.0,{down:.1f} {across:.1f},0.0"
    assert live.points([2.0], 1, 2.0, 2.0) == f"0.0,{down:.1f}"


def test_only_who_knows_the_address_is_answered_and_only_on_this_machine(server: Server) -> None:
    home = f"/{server.secret}/"
    assert server.server_address[0] == "127.0.0.1"
    status, policy, text = asked(server, home)
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert status == 200
    assert f'<script nonce="{nonce}">' in text
    assert "default-src 'none'" in policy
    assert asked(server, f"{home}now")[2] == live.fragment(server.folder)
    for path in ("/", "/now", "/wrong/", f"{home}../study.json", f"{home}study.json", f"{home}%2e%2e/trials.jsonl"):
        assert asked(server, path)[0] == 404, path
    assert asked(server, home, host="evil.example")[0] == 403
    assert asked(server, home, method="POST")[0] == 501


def test_it_is_made_anew_when_rows_come_and_survives_a_folder_that_goes(server: Server) -> None:
    before = server.fragment()
    assert server.fragment() is before
    total = finish(server.folder)
    assert f"{total} of {total} trials" in server.fragment()
    shutil.rmtree(server.folder)
    assert asked(server, f"/{server.secret}/now")[0] == 503


def test_names_of_somebody_else_s_folder_are_text(tmp_path: Path) -> None:
    study = factory.study("<script>alert(1)</script>", seeds=2)
    rows = [factory.failed(row, error="<img src=x onerror=alert(1)>") for row in factory.rows(study)]
    text = live.page(factory.write(tmp_path / "bad", study, rows), "nonce")
    assert "<img" not in text
    assert text.count("<script") == 1


def test_what_cannot_be_served_is_one_line(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("serve", tmp_path / "nowhere") == 2
    with Server(folder) as taken:
        assert ended("serve", folder, "--port", taken.server_port) == 2
        assert ended("serve", folder, "--port", 70000) == 2
    assert [line.count("nas-harness: ") for line in capsys.readouterr().err.splitlines()] == [1, 1, 1]
    with pytest.raises(BadInput, match=r"holds no study.json"):
        live.values(tmp_path)


def test_watching_before_all_rows_are_there_is_in_the_protocol(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = factory.study(seeds=2)

    def interrupted(_: Server) -> None:
        raise KeyboardInterrupt

    def later(_: Server) -> None:
        factory.write(folder, study, factory.rows(study)[:-1])
        raise Ended("SIGTERM")

    append(folder, Event.FIXED, {}, 0, 1)
    monkeypatch.setattr(Server, "serve_forever", interrupted)
    assert ended("serve", folder) == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    assert [entry.event for entry in read(folder)] == ["fixed", "reported"]
    monkeypatch.setattr(Server, "serve_forever", later)
    with pytest.raises(Ended):
        serve.command(parser().parse_args(["serve", str(folder)]))
    found = read(folder)[2:]
    assert [entry.event for entry in found] == ["reported", "reported"], "once more where rows came meanwhile"
    assert found[0].rows < found[1].rows


def test_each_number_of_rows_that_the_page_showed_is_a_look(server: Server) -> None:
    """However long it is open: also where the study is finished when the server ends."""
    append(server.folder, Event.FIXED, {}, 0, 1)
    study = factory.study(seeds=2)
    rows = factory.rows(study)
    first = len(rows) // 2
    for path in ("", "now", "now", ""):
        asked(server, f"/{server.secret}/{path}")
    for count in (first + 1, first + 2, len(rows)):
        factory.write(server.folder, study, rows[:count])
        for _ in range(3):
            asked(server, f"/{server.secret}/now")
    looks = [entry.rows for entry in read(server.folder) if entry.event == Event.REPORTED]
    assert looks == [first, first + 1, first + 2], "and none where no row is missing"


def test_a_driver_that_goes_is_seen_though_no_file_changes(server: Server) -> None:
    with open(server.folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = server.fragment()
    assert "A driver runs it." in running
    assert "A driver runs it." not in server.fragment()


def test_rows_of_which_no_page_can_be_made_are_one_line_and_no_look(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = factory.study(seeds=2)
    first, *rows = factory.rows(study)[:9]
    nested = json.dumps({**first, "recipe": "nested"}).replace('"nested"', '{"a":' * 600 + "1" + "}" * 600)
    factory.write(folder, study, rows)
    with open(folder / "trials.jsonl", "a") as file:
        file.write(f"{nested}\n")
    append(folder, Event.FIXED, {}, 0, 1)
    assert ended("serve", folder) == 2
    assert "row 9 was not written by a run" in capsys.readouterr().err
    assert [entry.event for entry in read(folder)] == ["fixed"]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
def test_a_browser_shows_rows_that_come_while_it_is_open(server: Server, monkeypatch: pytest.MonkeyPatch,
                                                         tmp_path: Path) -> None:  # fmt: skip
    real, total = live.fragment, [0]

    def later(folder: Path) -> str:
        """As the browser asks for the first time, the last trials end."""
        total[0] = finish(folder)
        return real(folder)

    monkeypatch.setattr(live, "fragment", later)
    line = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
            "--virtual-time-budget=20000", "--dump-dom", server.address]  # fmt: skip
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True, timeout=180, check=True)
    assert f"<b>{total[0]} of {total[0]} trials</b>" in done.stdout
    assert 'id="gone" hidden' in done.stdout
    assert "Content Security Policy" not in done.stderr
