"""A log directory → its pictures, numbers and arrays."""
