"""A log → the folder of a report: pictures, figures, a page."""
