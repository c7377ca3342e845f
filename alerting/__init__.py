"""From sightings to incidents, alerts and deliveries; the store is the single truth."""
