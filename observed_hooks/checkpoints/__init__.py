"""What is on disk, read without TensorFlow."""
