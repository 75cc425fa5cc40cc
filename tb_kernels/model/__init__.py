"""A Keras model → what is inside it."""
