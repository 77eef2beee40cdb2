"""Where records go: Prometheus, TensorBoard, JSON lines, memory."""
