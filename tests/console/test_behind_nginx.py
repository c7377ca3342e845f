"""The documented nginx file, in a real nginx with TLS in front of a real console."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme
from conftest import PASSWORD, Served
from ports import own_port
from test_events_api import messages

from alerting import audit

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "installation" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
AROUND = """
pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {site}
}}
"""
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture
def front(console: Served, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client that reaches the console over nginx, from 127.0.0.2."""
    assert NGINX is not None
    folder = tmp_path / "nginx"
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "fullchain.pem", append=True)
    port = own_port()
    site = EXAMPLE.read_text(encoding="utf-8")
    for documented, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/firewatch", str(folder)),
        ("http://127.0.0.1:8080", console.url),
    ):
        assert documented in site
        site = site.replace(documented, here)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, site=site), encoding="utf-8")
    running = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    transport = httpx.HTTPTransport(verify=context, local_address="127.0.0.2")
    try:
        while running.poll() is None and socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            time.sleep(0.05)
        assert running.poll() is None, (folder / "error.log").read_text()
        with httpx.Client(base_url=f"https://localhost:{port}", transport=transport, timeout=60) as client:
            yield client
    finally:
        running.terminate()
        running.wait(60)


def test_a_browser_signs_in_over_tls_and_the_centre_knows_from_where(
    console: Served, front: httpx.Client, now: datetime
) -> None:
    console.account("operator")
    word = {"username": "operator", "password": PASSWORD}
    origin = str(front.base_url).rstrip("/")
    answer = front.post("/api/v1/session", json=word, headers={"Origin": origin})
    foreign = front.post("/api/v1/session", json=word, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, foreign.status_code) == (201, 403)
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers
    noted = audit.entries(console.store, now - timedelta(minutes=1), now + timedelta(minutes=5))
    assert [(one.action, one.source) for one in noted if one.action == "signed in"] == [
        ("signed in", "127.0.0.2")
    ]


def test_what_changes_comes_through_at_once_and_conditions_hold(
    console: Served, front: httpx.Client, now: datetime
) -> None:
    with console.signed_in() as direct:
        front.cookies = direct.cookies
    with front.stream("GET", "/api/v1/events") as answer:
        stream = messages(answer)
        assert next(stream)[0] == "alive"
        console.store.set_camera_state("dns-01", "live", now)
        assert next(one for one in stream if one[0] != "alive")[1]["camera_id"] == "dns-01"
    listed = front.get("/api/v1/incidents")
    again = front.get("/api/v1/incidents", headers={"If-None-Match": listed.headers["etag"]})
    assert (listed.status_code, again.status_code) == (200, 304)
