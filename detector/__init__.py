"""From frames to sightings: looks, tracking, confirmation and the memory of a view."""
