"""Base maps: files of three kinds, what is refused, and which hosts a browser may ask."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import pytest
from conftest import Serve
from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

import config
from alerting.store import Store
from config import BaseMap, Deployment, MapSettings
from console.base_maps import BaseMapError, open_tiles

ZOOM, X, Y = 12, 3372, 1777
TIANDITU = "https://t{s}.tianditu.gov.cn/img_w/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=k"


def picture(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(buffer, "PNG")
    return buffer.getvalue()


def write_pmtiles(
    path: Path, tiles: dict[tuple[int, int, int], bytes], kind: TileType = TileType.PNG
) -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        for place, tile in sorted(tiles.items(), key=lambda one: zxy_to_tileid(*one[0])):
            writer.write_tile(zxy_to_tileid(*place), tile)
        header = {
            "tile_type": kind, "tile_compression": Compression.NONE, "min_zoom": ZOOM, "max_zoom": ZOOM,
            "min_lon_e7": -1800000000, "min_lat_e7": -850000000, "max_lon_e7": 1800000000,
            "max_lat_e7": 850000000, "center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0,
        }  # fmt: skip
        writer.finalize(header, {})
    return path


def write_mbtiles(path: Path, tile: bytes, kind: str = "png") -> Path:
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE metadata (name text, value text)")
    file.execute("CREATE TABLE tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)")
    file.execute("INSERT INTO metadata VALUES ('format', ?)", (kind,))
    file.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (ZOOM, X, 2**ZOOM - 1 - Y, tile))
    file.commit()
    file.close()
    return path


def write_folder(path: Path, tile: bytes) -> Path:
    place = path / str(ZOOM) / str(X) / f"{Y}.png"
    place.parent.mkdir(parents=True)
    place.write_bytes(tile)
    return path


def test_tiles_are_read_from_pmtiles_mbtiles_and_folders_as_they_are(tmp_path: Path) -> None:
    tile = picture()
    for file in (
        write_pmtiles(tmp_path / "county.pmtiles", {(ZOOM, X, Y): tile}),
        write_mbtiles(tmp_path / "county.mbtiles", tile),
        write_folder(tmp_path / "county", tile),
    ):
        tiles = open_tiles(file)
        assert tiles.tile(ZOOM, X, Y) == tile, file
        assert tiles.tile(ZOOM, X, Y + 1) is None, file


def test_a_file_of_vector_tiles_or_a_broken_one_is_refused_in_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pmtiles"
    broken.write_bytes(b"not a map")
    for file, said in (
        (write_pmtiles(tmp_path / "vector.pmtiles", {(ZOOM, X, Y): b"x"}, TileType.MVT), "MVT tiles"),
        (write_mbtiles(tmp_path / "vector.mbtiles", b"x", "pbf"), "pbf tiles"),
        (broken, "broken.pmtiles"),
    ):
        with pytest.raises(BaseMapError, match=said):
            open_tiles(file)


def with_maps(deployment: Deployment, *maps: BaseMap) -> Deployment:
    return deployment.model_copy(update={"map": MapSettings(base_maps=maps)})


def test_the_centre_serves_its_own_maps_and_says_nothing_where_they_end(
    store: Store, deployment: Deployment, serve: Serve, tmp_path: Path
) -> None:
    file = write_pmtiles(tmp_path / "county.pmtiles", {(ZOOM, X, Y): picture()})
    county = BaseMap(id="county", name="县域影像", file=file, approval_number="粤S(2026)001号")
    served = serve(store, with_maps(deployment, county))
    with served.signed_in() as client:
        told = client.get("/api/v1/deployment").json()["base_maps"]
        (address,) = told[0]["tiles"]
        tile = client.get(address.format(z=ZOOM, x=X, y=Y))
        assert (tile.status_code, tile.headers["content-type"]) == (200, "image/png")
        assert tile.content == picture()
        assert client.get(address.format(z=ZOOM, x=X + 1, y=Y)).status_code == 204
        assert client.get("/api/v1/map/base/other/1/0/0").status_code == 404


def test_a_map_that_cannot_be_read_is_left_out_and_the_centre_works(
    store: Store, deployment: Deployment, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.pmtiles"
    broken.write_bytes(b"not a map")
    served = serve(store, with_maps(deployment, BaseMap(id="county", name="x", file=broken)))
    with served.signed_in() as client:
        assert client.get("/api/v1/deployment").json()["base_maps"] == []
    assert "base map left out" in caplog.text


def test_the_content_policy_allows_the_hosts_of_the_maps_and_no_other(
    store: Store, deployment: Deployment, serve: Serve
) -> None:
    sky = BaseMap(id="sky", name="天地图", tiles=TIANDITU, subdomains=("0", "1"), datum="cgcs2000")
    with serve(store, with_maps(deployment, sky)).client() as client:
        policy = client.get("/").headers["content-security-policy"]
    hosts = "https://t0.tianditu.gov.cn https://t1.tianditu.gov.cn"
    assert f"connect-src 'self' {hosts};" in policy
    assert f"img-src 'self' blob: data: {hosts};" in policy
    assert policy.count("https://") == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("id: a\n      name: a", "either a file or tile addresses"),
        ("id: a\n      name: a\n      file: missing.pmtiles", "there is no"),
        ("id: a\n      name: a\n      tiles: https://x.cn/{z}/{x}", "no address of tiles"),
        ('id: a\n      name: a\n      tiles: "https://x.cn; script-src *//{z}/{x}/{y}"', "no address"),
        ("id: a\n      name: a\n      tiles: https://t{s}.x.cn/{z}/{x}/{y}", "go together"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused_with_how_to_mend_it(given: str, said: str) -> None:
    text = f"""
name: hills
cameras:
  - {{id: a, name: a, source: "rtsp://10.0.0.1/a", lat_deg: 23, lon_deg: 116, mast_height_m: 20,
     pose: {{azimuth_deg: 0, tilt_deg: 0, hfov_deg: 60}}}}
map:
  base_maps:
    - {given}
"""
    with pytest.raises(config.ConfigError, match=said):
        config.loads(text)
