"""The Keras callbacks: where model, pictures and log directory come together."""
