"""Model → arrays: what each view looks at."""
