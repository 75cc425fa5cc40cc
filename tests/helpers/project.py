"""What holds for the project as a whole."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

# What takes seconds to import.
HEAVY = {"tensorflow", "keras", "matplotlib"}
