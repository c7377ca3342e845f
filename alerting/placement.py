"""Where an incident lies and whose ground that is, from all that is seen of it; needs the terrain and the
grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

import config
from alerting import association
from alerting.association import Observation
from alerting.cells import cell_of
from alerting.grid_watch import WatchedGrids
from alerting.grids import Grids
from alerting.reading import put_location, stored_grid_chain
from alerting.records import GridArea, GridShare, Location
from alerting.tables import IncidentAreaRow, IncidentRow, LocationEstimateRow
from geometry.terrain import Canopy, RasterTerrain, Terrain


def surface_of(deployment: config.Deployment, ground: Terrain) -> Terrain:
    """What cameras see of the ground: the tops of the trees on it, where the deployment says how high."""
    height_m = deployment.vegetation_height_m
    return Canopy(ground, height_m) if height_m else ground


class Placement:
    """Places incidents. Without terrain positions are missing, without grids nobody is responsible."""

    def __init__(self, terrain: Terrain | None, grids: Grids | WatchedGrids | None) -> None:
        """`terrain`: what cameras see of the ground, a `Canopy` where it is wooded."""
        self.terrain = terrain
        self._grids = WatchedGrids.fixed(grids) if isinstance(grids, Grids) else grids

    @classmethod
    def from_deployment(cls, deployment: config.Deployment) -> Placement:
        """Opens the terrain and grids that the deployment names; their errors pass through."""
        return cls(
            surface_of(deployment, RasterTerrain.open(deployment.terrain)) if deployment.terrain else None,
            WatchedGrids(deployment.grids, deployment.time_zone) if deployment.grids else None,
        )

    def place(self, session: Session, row: IncidentRow, seen: Sequence[Observation]) -> Location:
        """Put the incident where these observations together say it is."""
        where = association.combine(seen, self.terrain)
        self.put(session, row, where, len(seen))
        return where

    def put(self, session: Session, row: IncidentRow, where: Location, sightings: int = 1) -> None:
        """Write where the incident is, whose ground that is, and one more line of its track of estimates."""
        put_location(row, where)
        row.cell = cell_of(where.lat_deg, where.lon_deg)
        chain, touched = self._chain_at(where, row.confirmed_at), self._touched(where)
        row.grid_chain = stored_grid_chain(chain)
        row.grids_touched = [asdict(one) for one in touched]
        session.flush()
        estimate = LocationEstimateRow(incident_id=row.incident_id, at=row.last_seen_at, sightings=sightings)
        put_location(estimate, where)
        session.add(estimate)
        of_it = IncidentAreaRow.incident_id == row.incident_id
        session.execute(delete(IncidentAreaRow).where(of_it))
        codes = {area.code for area in chain} | {area.code for area in touched}
        session.add_all(IncidentAreaRow(code=code, incident_id=row.incident_id) for code in sorted(codes))

    def areas_at(self, lat_deg: float, lon_deg: float, at: datetime) -> tuple[GridArea, ...]:
        """Whose ground a place is, and who is on duty there at that time."""
        grids = self._grids.now() if self._grids is not None else None
        return grids.chain_at(lat_deg, lon_deg, at) if grids is not None else ()

    def _chain_at(self, where: Location, at: datetime) -> tuple[GridArea, ...]:
        if where.lat_deg is None or where.lon_deg is None:
            return ()
        return self.areas_at(where.lat_deg, where.lon_deg, at)

    def _touched(self, where: Location) -> tuple[GridShare, ...]:
        grids = self._grids.now() if self._grids is not None else None
        if grids is None or where.lat_deg is None or where.lon_deg is None or where.ellipse is None:
            return ()
        return grids.touched(where.lat_deg, where.lon_deg, where.ellipse)
