"""When and how the bytes of a checkpoint are written, kept and read back."""
