"""Coverage as files: GeoJSON for a map, a picture to look at, JSON with the figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from alerting.coverage import Coverage, Frame, Mask, outlines
from console.hillshade import draw

_SEEN_ONCE, _SEEN_TWICE = (70, 160, 255), (60, 220, 150)
_SMOKE_ONLY, _BLIND = (235, 180, 60), (210, 50, 60)

LEGEND = (
    (_SEEN_ONCE, "ground seen by one camera"),
    (_SEEN_TWICE, "by two or more"),
    (_SMOKE_ONLY, "smoke seen once 50 m high"),
    (_BLIND, "blind spot"),
)


def write(coverage: Coverage, folder: Path) -> list[Path]:
    """coverage.geojson, coverage.png and coverage.json."""
    folder.mkdir(parents=True, exist_ok=True)
    map_, picture, table = (folder / f"coverage.{end}" for end in ("geojson", "png", "json"))
    map_.write_text(json.dumps(geojson(coverage), ensure_ascii=False), encoding="utf-8")
    picture_of(coverage).save(picture)
    table.write_text(json.dumps(figures(coverage), ensure_ascii=False, indent=1), encoding="utf-8")
    return [map_, picture, table]


def figures(coverage: Coverage) -> dict[str, Any]:
    """All that the printed table says, and more."""
    cell_km2 = coverage.frame.cell_km2
    return {
        "cell_m": round(coverage.frame.cell_m, 1),
        "area_km2": round(float(coverage.concerns.sum()) * cell_km2, 3),
        "ground_seen_share": round(coverage.share(coverage.count > 0), 4),
        "ground_seen_twice_share": round(coverage.share(coverage.count > 1), 4),
        "smoke_seen_share": round(coverage.share(coverage.smoke), 4),
        "blind_share": round(coverage.share(coverage.blind), 4),
        "cameras": [
            {
                "camera_id": view.camera_id,
                "name": view.name,
                "ground_km2": round(float(view.ground.sum()) * cell_km2, 3),
                "smoke_km2": round(float(view.smoke.sum()) * cell_km2, 3),
                "alone_km2": round(float((view.ground & (coverage.count == 1)).sum()) * cell_km2, 3),
            }
            for view in coverage.views
        ],
        "left_out": list(coverage.left_out),
        "grids": [
            {
                "level": one.area.level,
                "code": one.area.code,
                "name": one.area.name,
                "area_km2": round(one.area_km2, 3),
                "ground_seen_share": round(one.ground, 4),
                "ground_seen_twice_share": round(one.twice, 4),
                "smoke_seen_share": round(one.smoke, 4),
            }
            for one in coverage.grids
        ],
    }


def geojson(coverage: Coverage) -> dict[str, Any]:
    """What each camera sees, how often ground is seen (`seen_by`), and the blind spots."""
    frame, cell_km2 = coverage.frame, coverage.frame.cell_km2
    features = [
        _feature(
            view.ground,
            frame,
            role="view",
            camera_id=view.camera_id,
            name=view.name,
            ground_km2=round(float(view.ground.sum()) * cell_km2, 3),
        )
        for view in coverage.views
    ]
    features += [
        _feature(coverage.count == number, frame, role="overlap", seen_by=number)
        for number in range(1, int(coverage.count.max()) + 1)
    ]
    features.append(_feature(coverage.smoke & (coverage.count == 0), frame, role="smoke_only"))
    features.append(_feature(coverage.blind, frame, role="blind_spot"))
    return {"type": "FeatureCollection", "features": features}


def _feature(mask: Mask, frame: Frame, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "MultiPolygon", "coordinates": outlines(mask, frame)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def picture_of(coverage: Coverage) -> Image.Image:
    """Hillshade, in colours what is seen, the cameras by their ids, a legend."""
    colours = draw(np.asarray(coverage.heights_m), coverage.frame.cell_m)[..., :3].astype(float) * 1.4
    only_smoke = coverage.smoke & (coverage.count == 0)
    for mask, colour, ink in (
        (coverage.count == 1, _SEEN_ONCE, 0.4),
        (coverage.count > 1, _SEEN_TWICE, 0.4),
        (only_smoke, _SMOKE_ONLY, 0.4),
        (coverage.blind, _BLIND, 0.2),
    ):
        colours[mask] = (1 - ink) * colours[mask] + ink * np.array(colour)
    plain = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    scale = max(1, round(1200 / max(plain.size)))
    image = plain.resize((plain.width * scale, plain.height * scale), Image.Resampling.BICUBIC)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for view in coverage.views:
        x = (view.lon_deg - coverage.frame.west_deg) / coverage.frame.d_lon_deg * scale
        y = (coverage.frame.north_deg - view.lat_deg) / coverage.frame.d_lat_deg * scale
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill="white", outline="black", width=2)
        pen.text((x + 8, y - 9), view.camera_id, "white", font, stroke_width=2, stroke_fill="black")
    for row, (colour, words) in enumerate(LEGEND):
        top = 12 + 22 * row
        pen.rectangle((12, top, 28, top + 14), fill=colour, outline="black")
        pen.text((36, top - 3), words, "white", font, stroke_width=2, stroke_fill="black")
    return image
