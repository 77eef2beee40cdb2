"""The session hooks: they translate TensorFlow's calls, they do not compute."""
