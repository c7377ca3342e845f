"""Renders hill scenes with smoke at a known coordinate, serves footage as RTSP cameras, receives alerts."""
