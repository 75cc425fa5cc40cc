"""Logged pictures → figures with captions, for a report."""
