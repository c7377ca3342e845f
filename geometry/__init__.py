"""Camera model, rays, terrain, coordinate systems: pure functions of values; the one I/O reads a DEM."""
