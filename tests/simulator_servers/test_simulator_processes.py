"""The servers as processes of their own: start, say where they are, stop when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from rtsp_peers import BareClient, Videos

from simulator.receiver_inbox import signature


def start(*arguments: str | Path, **environment: str) -> tuple[subprocess.Popen[str], dict]:
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return process, json.loads(line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_rtsp_server_runs_until_a_signal_even_with_readers(
    videos: Videos, number: signal.Signals
) -> None:
    process, told = start("simulator.rtsp", "--port", "0", "--control-port", "0", f"north={videos.h264}")
    try:
        url = told["cameras"]["north"]
        assert url == f"rtsp://127.0.0.1:{told['rtsp_port']}/north"
        with BareClient(url) as client:
            client.play()
            assert next(client.pictures()).payload
            state = httpx.get(f"http://127.0.0.1:{told['control_port']}/cameras/north").json()
            assert state["readers"] == 1
            process.send_signal(number)
            assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_was_suspended_goes_on_with_the_present_and_not_with_a_burst(videos: Videos) -> None:
    process, told = start("simulator.rtsp", "--port", "0", f"north={videos.h264}")
    try:
        with BareClient(told["cameras"]["north"]) as client:
            client.play()
            pictures = client.pictures()
            before = next(pictures)  # taken before: the jump may come with the very next packet
            process.send_signal(signal.SIGSTOP)
            time.sleep(2.6)
            process.send_signal(signal.SIGCONT)
            for packet in pictures:
                if (packet.timestamp - before.timestamp) & 0xFFFFFFFF > 90_000:
                    break
                before = packet
            assert packet.opens_h264_key_frame
            assert packet.sequence == (before.sequence + 1) & 0xFFFF  # skipped, not lost
    finally:
        process.kill()
        process.communicate()


def test_the_rtsp_server_takes_its_password_from_the_environment(videos: Videos) -> None:
    arguments = ["--port", "0", "--user", "viewer", "--password-env", "RTSP_PASSWORD", f"north={videos.h264}"]
    process, told = start("simulator.rtsp", *arguments, RTSP_PASSWORD="pa55word")
    try:
        assert "pa55word" not in json.dumps(told)
        with BareClient(told["cameras"]["north"]) as client:
            assert client.ask("DESCRIBE").status == 401
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "pa55word" not in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulator.rtsp"], "name at least one camera"),
        (["simulator.rtsp", "north=/nowhere/gone.mp4"], "gone.mp4: cannot be read"),
        (["simulator.rtsp", "just-a-file.mp4"], "write NAME=FILE"),
        (["simulator.rtsp", "north=a.mp4", "--user", "x"], "--password-env"),
        (["simulator.receiver", "--secret-env", "NOT_SET_ANYWHERE"], "needs a secret"),
        (["simulator.receiver", "--secret-file", "/nowhere/secret"], "No such file"),
    ],
)
def test_wrong_arguments_end_with_one_clear_line(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_receiver_runs_until_a_signal_and_keeps_what_came(tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text("s3cret\n")
    folder = tmp_path / "received"
    process, told = start(
        "simulator.receiver", "--port", "0", "--secret-file", secret_file, "--folder", folder
    )
    try:
        timestamp = str(int(time.time()))
        headers = {
            "X-Firewatch-Timestamp": timestamp,
            "X-Firewatch-Signature": signature("s3cret", timestamp, b"{}"),
            "Idempotency-Key": "k",
        }
        assert httpx.post(told["alerts"], content=b"{}", headers=headers).status_code == 201
        assert httpx.get(told["page"]).status_code == 200
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        _, errors = process.communicate()
    assert len((folder / "received.jsonl").read_text().splitlines()) == 1
    assert "s3cret" not in errors
