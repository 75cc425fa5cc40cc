"""Logged pictures → figures of matplotlib."""
