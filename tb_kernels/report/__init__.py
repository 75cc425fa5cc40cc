"""A log, read → figures, and the folder of a report."""
