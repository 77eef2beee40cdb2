"""What the buffers of tf.data pipelines hold in memory, and how much fits into them.

plan      what the program asks for: capacities, read from the graph of datasets
running   what TensorFlow's own model of a running iterator says: elements and bytes, node by node
matching  which running node is which planned one: optimisation fuses, adds and renames nodes
snapshot  both together, under names that are the same in every run
probe     samples in graph mode, riding along with training steps
eager     `buffers(iterator)`, the same for a `tf.data` iterator of TensorFlow 2
"""
