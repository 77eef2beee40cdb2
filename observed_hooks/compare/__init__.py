"""Shuffle buffers side by side: what each size costs, and how well it mixes.

The modules, from the bottom up:

- `whole`: files that are there as a whole or not at all.
- `case`, `plan`: what is compared (a buffer size, where it stands, how it is saved), how often and on what.
- `digits`, `sources`, `examples`: the examples, the tf.data pipeline of a case, and what can be said of each example.
- `mixing`: how far from input order, how near to a full shuffle, from the order of examples.
- `readable`, `survey`, `order`: whether a source can be read, what it holds, and the order in which one epoch comes
  through a buffer.
- `memory`, `stopwatch`, `measuring`, `child`: one case in a process of its own, told as events on a bus.
- `cases`: every size in every place, saved in every way.
- `identity`: whether a source is still what it was.
- `workspace`, `ledger`: the directory, and which repeats are done: what makes a comparison one that can be continued.
- `process`, `budget`, `sweep`: cases in turn, repeated in mixed order; interrupted, continued, limited.
- `repeat`, `story`: what one process published, and what it says of each measure.
- `measures`: every measure with unit and method.
- `result`, `rows`, `recommend`, `files`: medians with their spread, one plain recommendation, and both as files.
- `wording`, `scales`, `series`, `traces`, `plots`, `report`: the same for people, as an HTML page.
- `hparams`: the same in TensorBoard, as trials.
- `machine`, `gather`, `comparison`: where it is measured, what lies in a directory as a result, and a whole comparison.
- `replay`: records out of events.jsonl, for a sink that comes later.
- `runs`: rows from the events of real trainings.
"""
