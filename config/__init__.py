"""Deployment schema (pydantic), its loader, and example deployments."""
