"""Where an incident lies and whose ground that is, from all that is seen of it; needs the terrain and the
grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

import config
from alerting import association, roster_register
from alerting.association import Observation
from alerting.cells import cell_of
from alerting.gazetteer import Gazetteer
from alerting.grid_watch import WatchedGrids
from alerting.grids import Grids
from alerting.location import DEFAULT_ERRORS, MAX_RANGE_M
from alerting.reading import put_location, stored_grid_chain
from alerting.records import GridArea, GridShare, Location, NearPlace
from alerting.tables import IncidentAreaRow, IncidentRow, LocationEstimateRow
from geometry.terrain import Canopy, Terrain


def surface_of(deployment: config.Deployment, ground: Terrain) -> Terrain:
    """What cameras see of the ground: the tops of the trees on it, where the deployment says how high."""
    height_m = deployment.vegetation_height_m
    return Canopy(ground, height_m) if height_m else ground


class Placement:
    """Places incidents. Without terrain positions are missing, without grids nobody is responsible."""

    def __init__(
        self,
        terrain: Terrain | None,
        grids: Grids | WatchedGrids | None,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        """`terrain`: what cameras see of the ground, a `Canopy` where it is wooded."""
        self.terrain = terrain
        self._gazetteer = gazetteer
        self._grids = WatchedGrids.fixed(grids) if isinstance(grids, Grids) else grids

    @classmethod
    def from_deployment(cls, deployment: config.Deployment) -> Placement:
        """Opens the terrain and grids that the deployment names; their errors pass through."""
        surface: Terrain | None = None
        if deployment.terrain:
            from geometry.raster_terrain import RasterTerrain

            surface = surface_of(deployment, RasterTerrain.open(deployment.terrain))
        return cls(
            surface,
            WatchedGrids(deployment.grids, deployment.time_zone) if deployment.grids else None,
            Gazetteer.open(deployment.gazetteer) if deployment.gazetteer else None,
        )

    def place(self, session: Session, row: IncidentRow, seen: Sequence[Observation]) -> Location:
        """Put the incident where these observations together say it is."""
        where = association.combine(seen, self.terrain)
        self.put(session, row, where, seen)
        return where

    def put(self, session: Session, row: IncidentRow, where: Location, seen: Sequence[Observation]) -> None:
        """Write where the incident is, whose ground, what people call a place nearby, and one more line of
        its track of estimates."""
        put_location(row, where)
        row.cell = cell_of(where.lat_deg, where.lon_deg)
        chain, touched = self._whose(session, where, seen, row.confirmed_at)
        near = self._near(where)
        row.near_place = asdict(near) if near is not None else None
        row.grid_chain = stored_grid_chain(chain)
        row.grids_touched = [asdict(one) for one in touched]
        session.flush()
        estimate = LocationEstimateRow(incident_id=row.incident_id, at=row.last_seen_at, sightings=len(seen))
        put_location(estimate, where)
        session.add(estimate)
        of_it = IncidentAreaRow.incident_id == row.incident_id
        session.execute(delete(IncidentAreaRow).where(of_it))
        codes = {area.code for area in chain} | {area.code for area in touched}
        session.add_all(IncidentAreaRow(code=code, incident_id=row.incident_id) for code in sorted(codes))

    def areas_at(
        self, session: Session, lat_deg: float, lon_deg: float, at: datetime
    ) -> tuple[GridArea, ...]:
        """Whose ground a place is, and who is on duty there at that time."""
        grids = self.grids()
        return _on_duty(session, grids, grids.chain_at(lat_deg, lon_deg), at) if grids is not None else ()

    def grids(self) -> Grids | None:
        """The areas of responsibility as the grid file has them now; `roster_register` says whose people
        are others."""
        return self._grids.now() if self._grids is not None else None

    def _whose(
        self, session: Session, where: Location, seen: Sequence[Observation], at: datetime
    ) -> tuple[tuple[GridArea, ...], tuple[GridShare, ...]]:
        """Who is responsible, and all areas touched. Without a point, by the line of sight: the smallest area
        that holds most of it is responsible, which may be a village or a town."""
        grids = self.grids()
        if grids is None:
            return (), ()
        if where.lat_deg is not None and where.lon_deg is not None:
            chain = _on_duty(session, grids, grids.chain_at(where.lat_deg, where.lon_deg), at)
            return chain, grids.touched(where.lat_deg, where.lon_deg, where.ellipse) if where.ellipse else ()
        seer = min(seen, key=lambda one: abs(one.location.bearing_deg - where.bearing_deg))
        touched = grids.crossed(
            (seer.camera.lat_deg, seer.camera.lon_deg),
            where.bearing_deg,
            where.bearing_sigma_deg or DEFAULT_ERRORS.azimuth_deg,
            (where.range_min_m or 0.0, where.range_max_m or MAX_RANGE_M),
        )
        return _on_duty(session, grids, grids.holding(touched), at), touched

    def _near(self, where: Location) -> NearPlace | None:
        if self._gazetteer is None or where.lat_deg is None or where.lon_deg is None:
            return None
        return self._gazetteer.near(where.lat_deg, where.lon_deg)


def _on_duty(session: Session, grids: Grids, areas: Sequence[GridArea], at: datetime) -> tuple[GridArea, ...]:
    """These areas with who is on duty there, by the rosters that were saved and the file's others."""
    saved = roster_register.saved(session, [one.code for one in areas])
    return grids.with_rosters(saved).on_duty(areas, at)
