"""Every route against every role, the headers each answer carries, and the shape of errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
import shapely
import yaml
from conftest import Serve, Served
from console_scenery import Scenery, jpeg

from alerting import access_tokens, configuration_log, ingest
from alerting.ingest import LifeSign
from alerting.journal import By
from alerting.store import Store
from config import Deployment
from console.app import create_app
from console.hardening import MAX_BODY_BYTES
from console.hillshade import Hillshade
from console.sight import look_at
from console.vendoring import CHECKSUMS, LIBRARIES, VENDOR, checksum_lines
from geometry.camera import Pose

SIGNED_IN = {"viewer", "operator", "supervisor", "admin"}
TOKENS = {"responder", "machine"}
EVERYONE = {"nobody"} | SIGNED_IN | TOKENS
OPERATORS = SIGNED_IN - {"viewer"}
SUPERVISORS = {"supervisor", "admin"}
ADMINS = {"admin"}
RESPONDERS = {"responder"}
"""No session opens it: see test_response_api.py."""

MACHINES = {"machine"}
"""See test_ingest_api.py."""

LATER = [
    {"kind": "clip", "sha256": "0" * 64, "size_bytes": 1, "media_type": "video/mp4",
     "captured_at": "2026-05-01T12:00:00Z"}
]  # fmt: skip
DECISION = {"action": "confirm", "version": 99}
MASK = {"name": "chimney", "polygon": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]}
MATRIX = [
    ("GET", "/", None, EVERYONE),
    ("GET", "/field", None, EVERYONE),
    ("GET", "/healthz", None, EVERYONE),
    ("GET", "/readyz", None, EVERYONE),
    ("GET", "/heartbeat", None, EVERYONE),
    ("GET", "/metrics", None, EVERYONE),
    ("POST", "/api/v1/session", {"username": "x", "password": "y"}, EVERYONE),
    ("GET", "/api/v1/session", None, SIGNED_IN),
    ("DELETE", "/api/v1/session", None, SIGNED_IN),
    ("POST", "/api/v1/session/password", {"old": "x", "new": "y"}, SIGNED_IN),
    ("GET", "/api/v1/session/ways", None, EVERYONE),
    ("GET", "/api/v1/session/oidc", None, EVERYONE),
    ("GET", "/api/v1/session/oidc/callback", None, EVERYONE),
    ("GET", "/api/v1/deployment", None, SIGNED_IN),
    ("GET", "/api/v1/configuration", None, ADMINS),
    ("GET", "/api/v1/configuration/versions", None, ADMINS),
    ("GET", "/api/v1/configuration/versions/{number}", None, ADMINS),
    ("GET", "/api/v1/incidents", None, SIGNED_IN),
    ("GET", "/api/v1/incidents/{incident_id}", None, SIGNED_IN),
    ("GET", "/api/v1/incidents/{incident_id}/picture", None, SIGNED_IN),
    ("POST", "/api/v1/incidents/{incident_id}/decisions", DECISION, OPERATORS),
    ("POST", "/api/v1/incidents/{incident_id}/decisions", {**DECISION, "action": "reopen"}, SUPERVISORS),
    ("POST", "/api/v1/incidents/{incident_id}/steps", {"step": "acknowledge"}, OPERATORS),
    ("POST", "/api/v1/incidents/{incident_id}/merge", {"into": "other", "version": 99}, OPERATORS),
    ("POST", "/api/v1/incidents/{incident_id}/split", {"sighting_ids": ["x"], "version": 99}, OPERATORS),
    ("POST", "/api/v1/incidents/{incident_id}/undo", {"history_id": 1, "version": 99}, OPERATORS),
    ("GET", "/api/v1/records", None, SIGNED_IN),
    ("GET", "/api/v1/records/statistics", None, SIGNED_IN),
    ("GET", "/api/v1/records/export", None, OPERATORS),
    ("GET", "/api/v1/records/report", None, OPERATORS),
    ("GET", "/api/v1/records/history", None, ADMINS),
    ("GET", "/api/v1/records/audit", None, ADMINS),
    ("GET", "/api/v1/cameras", None, SIGNED_IN),
    ("GET", "/api/v1/cameras/pictures", None, SIGNED_IN),
    ("GET", "/api/v1/cameras/{camera_id}/picture", None, SIGNED_IN),
    ("GET", "/api/v1/cameras/{camera_id}/health", None, SIGNED_IN),
    ("GET", "/api/v1/cameras/blind", None, SIGNED_IN),
    ("POST", "/api/v1/cameras/{camera_id}/calibration", {"landmarks": []}, SUPERVISORS),
    ("POST", "/api/v1/cameras/{camera_id}/masks", MASK, SUPERVISORS),
    ("DELETE", "/api/v1/cameras/{camera_id}/masks/{mask_id}", None, SUPERVISORS),
    ("GET", "/api/v1/cameras/{camera_id}/live-picture", None, SIGNED_IN),
    ("POST", "/api/v1/cameras/{camera_id}/whep", None, SIGNED_IN),
    ("DELETE", "/api/v1/cameras/{camera_id}/whep/{session_id}", None, SIGNED_IN),
    ("GET", "/api/v1/cameras/{camera_id}/mjpeg", None, SIGNED_IN),
    ("POST", "/api/v1/cameras/probe", {"source": ""}, ADMINS),
    ("POST", "/api/v1/cameras", {"id": ""}, ADMINS),
    ("GET", "/api/v1/cameras/{camera_id}/versions", None, SUPERVISORS),
    ("PATCH", "/api/v1/cameras/{camera_id}", {"name": "x"}, SUPERVISORS),
    ("PATCH", "/api/v1/cameras/{camera_id}", {"source": "rtsp://h/x"}, ADMINS),
    ("POST", "/api/v1/cameras/{camera_id}/revert", {"version": 1}, SUPERVISORS),
    ("DELETE", "/api/v1/cameras/{camera_id}", None, ADMINS),
    ("POST", "/api/v1/cameras/{camera_id}/presets", {"id": ""}, SUPERVISORS),
    ("PATCH", "/api/v1/cameras/{camera_id}/presets/{preset_id}", {"name": "x"}, SUPERVISORS),
    ("DELETE", "/api/v1/cameras/{camera_id}/presets/{preset_id}", None, SUPERVISORS),
    ("POST", "/api/v1/cameras/{camera_id}/ptz/probe", {}, ADMINS),
    ("PUT", "/api/v1/cameras/{camera_id}/ptz", {}, ADMINS),
    ("DELETE", "/api/v1/cameras/{camera_id}/ptz", None, ADMINS),
    ("GET", "/api/v1/cameras/{camera_id}/learning", None, SUPERVISORS),
    ("POST", "/api/v1/cameras/{camera_id}/learning/end", {}, SUPERVISORS),
    ("GET", "/api/v1/cameras/{camera_id}/learning/{number}/picture", None, SUPERVISORS),
    ("POST", "/api/v1/cameras/{camera_id}/learning/{number}/dismissal", {"cause": "fog"}, SUPERVISORS),
    ("POST", "/api/v1/cameras/{camera_id}/learning/{number}/alarm", None, SUPERVISORS),
    ("GET", "/api/v1/deliveries", None, SIGNED_IN),
    ("POST", "/api/v1/deliveries/{delivery_id}/redeliver", None, ADMINS),
    ("GET", "/api/v1/evidence/{evidence_id}", None, SIGNED_IN),
    ("GET", "/api/v1/events", None, SIGNED_IN),
    ("GET", "/api/v1/map/terrain/{zoom}/{x}/{y}", None, SIGNED_IN),
    ("GET", "/api/v1/map/base/{map_id}/{zoom}/{x}/{y}", None, SIGNED_IN),
    ("GET", "/api/v1/map/grids", None, SIGNED_IN),
    ("GET", "/api/v1/map/place", None, SIGNED_IN),
    ("GET", "/api/v1/map/viewsheds/{camera_id}", None, SIGNED_IN),
    ("GET", "/api/v1/map/incidents", None, SIGNED_IN),
    ("GET", "/api/v1/burns", None, SIGNED_IN),
    ("POST", "/api/v1/burns", {"holder": ""}, OPERATORS),
    ("DELETE", "/api/v1/burns/{burn_id}", None, OPERATORS),
    ("GET", "/api/v1/response/incidents", None, RESPONDERS),
    ("GET", "/api/v1/response/incidents/{incident_id}", None, RESPONDERS),
    ("GET", "/api/v1/response/incidents/{incident_id}/picture", None, RESPONDERS),
    ("GET", "/api/v1/response/incidents/{incident_id}/evidence/{evidence_id}", None, RESPONDERS),
    ("POST", "/api/v1/response/incidents/{incident_id}/reports", {"report": "accepted"}, RESPONDERS),
    ("POST", "/api/v1/response/session", {"token": "fw_made-up"}, EVERYONE),
    ("GET", "/api/v1/response/session", None, RESPONDERS),
    ("DELETE", "/api/v1/response/session", None, RESPONDERS),
    ("GET", "/api/v1/response/events", None, RESPONDERS),
    ("GET", "/api/v1/response/terrain/{zoom}/{x}/{y}", None, RESPONDERS),
    ("POST", "/api/v1/ingest/sightings", None, MACHINES),
    ("POST", "/api/v1/ingest/sightings/{sighting_id}/evidence", LATER, MACHINES),
    ("PUT", "/api/v1/ingest/evidence/{sha256}", None, MACHINES),
    ("PUT", "/api/v1/ingest/cameras/{camera_id}/picture", None, MACHINES),
    ("POST", "/api/v1/ingest/states", [], MACHINES),
    ("POST", "/api/v1/ingest/life", {"sent_at": "2026-05-01T12:00:00Z"}, MACHINES),
    ("GET", "/api/v1/ingest/news", None, MACHINES),
    ("GET", "/api/v1/rosters", None, OPERATORS),
    ("GET", "/api/v1/rosters/{code}", None, SUPERVISORS),
    ("PUT", "/api/v1/rosters/{code}", {"contacts": []}, SUPERVISORS),
    ("DELETE", "/api/v1/rosters/{code}", None, SUPERVISORS),
    ("GET", "/api/v1/rosters/{code}/versions", None, SUPERVISORS),
    ("POST", "/api/v1/rosters/{code}/revert", {"version": 1}, SUPERVISORS),
    ("POST", "/api/v1/rosters/{code}/preview", {"contacts": []}, SUPERVISORS),
    ("GET", "/api/v1/targets", None, ADMINS),
    ("POST", "/api/v1/targets", {"id": ""}, ADMINS),
    ("GET", "/api/v1/targets/-/files", None, ADMINS),
    ("GET", "/api/v1/targets/{target_id}", None, ADMINS),
    ("PATCH", "/api/v1/targets/{target_id}", {"name": "x"}, ADMINS),
    ("DELETE", "/api/v1/targets/{target_id}", None, ADMINS),
    ("GET", "/api/v1/targets/{target_id}/versions", None, ADMINS),
    ("POST", "/api/v1/targets/{target_id}/revert", {"version": 1}, ADMINS),
    ("POST", "/api/v1/targets/{target_id}/test", None, ADMINS),
    ("GET", "/api/v1/models", None, ADMINS),
    ("GET", "/api/v1/tokens", None, ADMINS),
    ("POST", "/api/v1/tokens", {"name": ""}, ADMINS),
    ("DELETE", "/api/v1/tokens/{token_id}", None, ADMINS),
    ("GET", "/api/v1/users", None, ADMINS),
    ("POST", "/api/v1/users", {"username": "x y", "role": "viewer"}, ADMINS),
    ("POST", "/api/v1/users/{username}/password", None, ADMINS),
    ("PATCH", "/api/v1/users/{username}", {"active": True}, ADMINS),
]
VALUES = {
    "{incident_id}": "unknown", "{camera_id}": "unknown", "{session_id}": "unknown", "{evidence_id}": "1",
    "{mask_id}": "1", "{number}": "1", "{sighting_id}": "unknown", "{sha256}": "0" * 64,
    "{delivery_id}": "1", "{burn_id}": "99", "{token_id}": "99", "{username}": "unknown",
    "{map_id}": "unknown", "{code}": "unknown", "{preset_id}": "unknown", "{zoom}/{x}/{y}": "1/0/0",
    "{target_id}": "unknown",
}  # fmt: skip


def refused(answer_type: str) -> bool:
    return answer_type.rpartition(":")[2] in ("not-signed-in", "role")


def test_the_matrix_names_every_route_there_is(store, deployment) -> None:
    app = create_app(store, deployment)
    routes = {
        (method, path)
        for path, operations in app.openapi()["paths"].items()
        for method in (name.upper() for name in operations)
    }
    assert routes == {(method, path) for method, path, *_ in MATRIX} - {("GET", "/"), ("GET", "/field")}


def as_role(console: Served, role: str) -> httpx.Client:
    """A client of nobody, of a user with that role, or of somebody with a token of that role."""
    if role in TOKENS:
        return console.with_token(role)
    return console.client() if role == "nobody" else console.signed_in(role)


@pytest.mark.parametrize("role", sorted(EVERYONE))
def test_each_role_may_do_what_the_matrix_says_and_nothing_more(console: Served, role: str) -> None:
    wrong = []
    for method, path, body, allowed in MATRIX:
        for name, value in VALUES.items():
            path = path.replace(name, value)  # noqa: PLW2901
        client = as_role(console, role)
        with client, client.stream(method, path, json=body) as answer:
            is_problem = answer.headers.get("content-type") == "application/problem+json"
            if is_problem:
                answer.read()
            let_in = not (is_problem and refused(answer.json()["type"]))
        if let_in != (role in allowed):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("path", ["/", "/field", "/web/js/main.js", "/api/v1/session", "/nowhere"])
def test_every_answer_carries_the_protecting_headers(console: Served, path: str) -> None:
    with console.client() as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/session", 405)]
)
def test_errors_are_problem_details(console: Served, method: str, path: str, status: int) -> None:
    with console.client() as client:
        answer = client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == status
    assert answer.json()["type"].startswith("urn:firewatch:problem:")


def test_an_oversized_request_is_cut_off(console: Served) -> None:
    with console.client() as client:
        answer = client.post("/api/v1/session", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:firewatch:problem:too-large")


def test_a_password_in_a_bad_request_is_not_echoed(console: Served) -> None:
    with console.client() as client:
        answer = client.post("/api/v1/session", json={"username": "", "password": "my secret word"})
    assert answer.status_code == 422
    assert "my secret word" not in answer.text


def test_an_administrator_reads_the_configuration_and_no_secret_of_it(console: Served) -> None:
    with console.signed_in("admin") as client:
        answer = client.get("/api/v1/configuration")
    told = answer.json()
    assert told["version"] == console.deployment.version
    assert told["deployment"]["cameras"][0]["source"] == "rtsp://***"
    for hidden in ("s3cret-of", "10.9.8.7", "drawn-secret"):
        assert hidden not in answer.text


def test_an_administrator_reads_what_the_deployment_file_said_before(console: Served) -> None:
    later = console.deployment.model_copy(update={"sender": "firewatch@hills.example"})
    for deployment in (console.deployment, later):
        configuration_log.record(console.store, deployment, "0.1.0")
    with console.signed_in("admin") as client:
        listed = client.get("/api/v1/configuration/versions").json()
        newest = client.get("/api/v1/configuration/versions/2")
        missing = client.get("/api/v1/configuration/versions/3")
    assert [(one["version"], one["digest"]) for one in listed] == [
        (2, later.version),
        (1, console.deployment.version),
    ]
    assert (newest.json()["changed"], missing.status_code) == (["sender"], 404)
    assert newest.json()["configuration"]["cameras"][0]["source"] == "rtsp://***"
    for hidden in ("s3cret-of", "10.9.8.7", "drawn-secret"):
        assert hidden not in newest.text


def test_the_newest_picture_comes_with_its_time_and_is_replaced_whole(console: Served, now: datetime) -> None:
    scenery = Scenery(console.deployment, console.store)
    with console.signed_in() as client:
        assert client.get("/api/v1/cameras/dns-01/picture").status_code == 404
        scenery.latest.write("dns-01", jpeg(scenery.paint("dns-01")), now)
        answer = client.get("/api/v1/cameras/dns-01/picture")
        listed = client.get("/api/v1/cameras").json()[0]
    assert answer.headers["x-captured-at"] == now.isoformat()
    assert datetime.fromisoformat(listed["picture_at"]) == now
    assert answer.content.startswith(b"\xff\xd8")


def test_a_camera_tells_how_it_is_and_how_long_it_was_blind(console: Served, now: datetime) -> None:
    console.store.set_camera_state("dns-01", "live", now - timedelta(minutes=30))
    console.store.set_camera_state("dns-01", "frozen", now - timedelta(minutes=20), "does not change")
    console.store.set_camera_state("dns-01", "live", now - timedelta(minutes=5))
    with console.signed_in("viewer") as client:
        answer = client.get("/api/v1/cameras/dns-01/health", params={"days": 2}).json()
        blind = client.get("/api/v1/cameras/blind", params={"days": 2}).json()
        assert client.get("/api/v1/cameras/unknown/health").status_code == 404
        assert client.get("/api/v1/cameras/dns-01/health", params={"days": 0}).status_code == 422
    assert (answer["state"], len(answer["days"])) == ("live", 2)
    assert sum(day["blind_minutes"] for day in answer["days"]) == sum(blind["dns-01"]) == 15
    assert sum(blind["dns-02"]) == 0
    (period,) = answer["periods"]
    assert (period["condition"], period["reason"]) == ("frozen", "does not change")


def test_figures_are_counted_for_prometheus(console: Served, now: datetime) -> None:
    console.store.set_camera_state("dns-01", "frozen", now)
    with console.client() as client:
        lines = client.get("/metrics").text.splitlines()
    assert 'firewatch_cameras{state="frozen"} 1' in lines
    assert 'firewatch_cameras{state="connecting"} 7' in lines
    assert 'firewatch_incidents{status="suspected"} 0' in lines
    assert 'firewatch_deliveries{state="dead"} 0' in lines
    for line in lines:
        assert line.startswith("# ") or float(line.rpartition(" ")[2]) >= 0


def test_how_workers_do_here_and_elsewhere_is_told_to_prometheus(
    store: Store, deployment: Deployment, serve: Serve
) -> None:
    told = {"worker-1": {"stretch": 1.5, "looks": 40.0, "failed_looks": 2.0}}
    _, made = access_tokens.create(
        store, name="north box", role=access_tokens.MACHINE_ROLE, lifetime=timedelta(days=1), by=By("admin")
    )
    ingest.heard(store, made.token_id, LifeSign(sent_at=store.clock(), figures={"stretch": 1.0}))
    console = serve(store, deployment, worker_figures=lambda: told)
    with console.client() as client:
        lines = client.get("/metrics").text.splitlines()
    assert 'firewatch_worker_stretch{worker="worker-1"} 1.5' in lines
    assert f'firewatch_worker_stretch{{worker="box-{made.token_id}"}} 1.0' in lines
    assert "# TYPE firewatch_worker_failed_looks_total counter" in lines
    assert 'firewatch_worker_failed_looks_total{worker="worker-1"} 2.0' in lines


def test_a_camera_id_cannot_lead_out_of_the_folder(console: Served) -> None:
    with console.signed_in() as client:
        assert client.get("/api/v1/cameras/..%2F..%2Fstore/picture").status_code == 404


def test_terrain_is_drawn_inside_the_model_and_nothing_outside(console: Served) -> None:
    assert console.deployment.terrain is not None
    shade = Hillshade(console.deployment.terrain)
    x, y = 3372, 1777
    assert shade.covers(12, x, y)
    with console.signed_in() as client:
        inside = client.get(f"/api/v1/map/terrain/12/{x}/{y}")
        outside = client.get(f"/api/v1/map/terrain/12/{x + 50}/{y}")
        absurd = client.get("/api/v1/map/terrain/99/0/0")
    assert inside.headers["content-type"] == "image/webp"
    assert len(inside.content) > 5000
    assert (outside.status_code, absurd.status_code) == (204, 422)


def test_a_place_tells_its_grid_and_which_cameras_can_look_there(console: Served) -> None:
    scenery = Scenery(console.deployment, console.store)
    fire = scenery.fire_at("dns-01", 560, 400)
    where = {"lat_deg": fire.position.lat_deg, "lon_deg": fire.position.lon_deg}
    with console.signed_in("viewer") as viewer, console.signed_in("operator") as operator:
        seen = viewer.get("/api/v1/map/place", params=where).json()
        contacts = operator.get("/api/v1/map/place", params=where).json()["grid_chain"][0]["contacts"]
        beyond = viewer.get("/api/v1/map/place", params={"lat_deg": 60, "lon_deg": 10}).json()
    looks = {one["camera_id"]: one["sees"] for one in seen["cameras"]}
    assert looks["dns-01"] == "ground"
    assert looks["dns-02"] == "outside", "it stands on the same mast and looks west"
    assert seen["height_m"] == pytest.approx(fire.position.height_m, abs=15)
    assert seen["grid_chain"][0]["level"] == "grid"
    assert seen["grid_chain"][0]["contacts"] == []
    assert contacts
    assert (beyond["height_m"], beyond["cameras"], beyond["grid_chain"]) == (None, [], [])


def test_a_ridge_hides_the_ground_and_then_the_plume(console: Served) -> None:
    scenery = Scenery(console.deployment, console.store)
    fire = scenery.fire_at("dns-01", 560, 400)  # beyond the first ground the ray meets, ground is hidden
    model = scenery.model("dns-01")
    behind = [
        (
            model.position.lat_deg + factor * (fire.position.lat_deg - model.position.lat_deg),
            model.position.lon_deg + factor * (fire.position.lon_deg - model.position.lon_deg),
        )
        for factor in (0.999, 1.15, 1.3, 1.6)
    ]
    camera = console.deployment.camera("dns-01")
    seen = [view.sees if (view := look_at(camera, *place, scenery.terrain)) else None for place in behind]
    assert seen[0] == "ground"
    assert {"plume", "hidden"} & set(seen), f"nothing is hidden along this line: {seen}"


def test_the_viewshed_of_a_camera_holds_what_it_sees_and_nothing_outside_its_picture(
    console: Served,
) -> None:
    scenery = Scenery(console.deployment, console.store)
    fire = scenery.fire_at("dns-01", 560, 400).position
    with console.signed_in("viewer") as client:
        found = client.get("/api/v1/map/viewsheds/dns-01").json()["features"]
        assert client.get("/api/v1/map/viewsheds/unknown").status_code == 404
    ground, plume = (shapely.geometry.shape(one["geometry"]) for one in found)
    assert [one["properties"]["sees"] for one in found] == ["ground", "plume"]
    assert ground.distance(shapely.Point(fire.lon_deg, fire.lat_deg)) < 0.001  # cells are 60 m
    assert ground.intersection(plume).area == pytest.approx(0, abs=1e-9)
    camera = console.deployment.camera("dns-01")
    west = shapely.box(camera.lon_deg - 1, camera.lat_deg - 1, camera.lon_deg - 0.002, camera.lat_deg + 1)
    assert not ground.intersects(west), "it looks east of north-east"


def test_a_pose_is_found_again_from_landmarks_on_picture_and_map(console: Served) -> None:
    scenery = Scenery(console.deployment, console.store)
    camera = console.deployment.camera("dns-01")
    turned = replace(scenery.model("dns-01"), pose=Pose(38.5, -5.2, 0.0, 60.0))
    places = [
        scenery.fire_at("dns-01", x, y).position for x, y in ((260, 420), (560, 400), (900, 560), (700, 600))
    ]
    seen = [(place, turned.project(place)) for place in places]
    landmarks = [
        {"x": at[0] / 1280, "y": at[1] / 720, "lat_deg": place.lat_deg, "lon_deg": place.lon_deg,
         "height_m": place.height_m}
        for place, at in seen
        if at is not None
    ]  # fmt: skip
    body = {"landmarks": landmarks, "width_px": 1280, "height_px": 720}
    with console.signed_in("supervisor") as client:
        found = client.post("/api/v1/cameras/dns-01/calibration", json=body).json()
        few = client.post("/api/v1/cameras/dns-01/calibration", json={**body, "landmarks": landmarks[:2]})
        far = [{**landmarks[0], "lat_deg": 60, "height_m": None}, *landmarks[1:]]
        beyond = client.post("/api/v1/cameras/dns-01/calibration", json={**body, "landmarks": far})
    assert (found["azimuth_deg"], found["tilt_deg"]) == (
        pytest.approx(38.5, abs=0.02),
        pytest.approx(-5.2, abs=0.02),
    )
    assert found["hfov_deg"] == pytest.approx(60, abs=0.05)
    assert (found["rms_px"] < 0.5, len(found["residuals"])) == (True, 4)
    written = yaml.safe_load(found["deployment_line"])["pose"]
    assert type(camera.pose).model_validate(written).azimuth_deg == pytest.approx(38.5, abs=0.02)
    assert (few.status_code, beyond.json()["type"]) == (422, "urn:firewatch:problem:no-terrain")


def test_grid_outlines_are_given_without_contacts(console: Served) -> None:
    with console.signed_in("viewer") as client:
        answer = client.get("/api/v1/map/grids")
    assert len(answer.json()["features"]) == 25
    assert "contacts" not in answer.text


def test_a_new_user_signs_in_with_the_password_told_to_the_administrator(console: Served) -> None:
    with console.signed_in("admin") as admin:
        made = admin.post("/api/v1/users", json={"username": "王芳", "role": "operator"}).json()
        assert admin.post("/api/v1/users", json={"username": "王芳", "role": "viewer"}).status_code == 409
        assert admin.patch("/api/v1/users/admin", json={"active": False}).status_code == 422
    with console.client() as client:
        answer = client.post("/api/v1/session", json={"username": "王芳", "password": made["password"]})
    assert (answer.status_code, answer.json()["role"]) == (201, "operator")


def test_the_vendored_libraries_are_the_published_ones() -> None:
    assert CHECKSUMS.read_text(encoding="utf-8") == checksum_lines()
    for library in LIBRARIES:
        assert {file.name for file in (VENDOR / library.folder).iterdir()} == set(library.files.values())


def test_the_page_and_all_its_modules_are_served(console: Served) -> None:
    web = VENDOR.parent
    with console.client() as client:
        assert client.get("/").headers["content-type"].startswith("text/html")
        for file in [*web.glob("js/**/*.js"), *web.glob("css/*.css"), *web.glob("icons/*.svg")]:
            assert client.get(f"/web/{file.relative_to(web).as_posix()}").status_code == 200, file
