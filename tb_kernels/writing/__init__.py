"""Pictures → files and events, in the background."""
