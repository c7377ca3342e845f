"""A worker without a store: its ties to a centre over HTTP (`console.routes.ingest`)."""
