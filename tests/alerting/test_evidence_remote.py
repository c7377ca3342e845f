"""Evidence in a store that is no folder: in memory, and in the bucket of an S3-compatible server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.evidence import EvidenceError, EvidenceStore


@pytest.fixture
def s3_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a real S3-compatible server."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": address,
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="evidence")
    yield "s3://evidence/fires"
    server.stop()


def kept_and_removed(url: str, tmp_path: Path) -> None:
    store = EvidenceStore(url)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(os.urandom(9_000_000))  # more than one piece
    written = store.write_file(clip, "video/mp4")
    assert store.write(clip.read_bytes(), "video/mp4") == written  # the same content is the same file
    assert store.read(written.path) == clip.read_bytes()
    assert store.free_bytes() is None
    store.remove(written.path)
    store.remove(written.path)  # gone is gone
    with pytest.raises(EvidenceError):
        store.read(written.path)


def test_a_remote_store_keeps_and_removes_files(tmp_path: Path) -> None:
    kept_and_removed("memory://remote-evidence", tmp_path)


def test_an_s3_store_keeps_and_removes_files(s3_url: str, tmp_path: Path) -> None:
    kept_and_removed(s3_url, tmp_path)
