"""What a checkpoint holds, and what to do about it: the values behind `observed-hooks inspect`, without TensorFlow."""
