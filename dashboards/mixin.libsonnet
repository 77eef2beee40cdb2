// For users of monitoring mixins. Written by `observed-hooks dashboards`: change its thresholds rather than this file.
{
  grafanaDashboards+:: {
    "training-checkpoints.json": import 'grafana/training-checkpoints.json',
    "checkpoint-fleet.json": import 'grafana/checkpoint-fleet.json',
    "shuffle-buffers.json": import 'grafana/shuffle-buffers.json',
  },
  prometheusRules+:: {
    "groups": [
      {
        "name": "observed_hooks.rules",
        "rules": [
          {
            "record": "run:observed_hooks_run_active:max",
            "expr": "max by (job, run, task) (last_over_time(observed_hooks_run_active[2m]))"
          },
          {
            "record": "run:observed_hooks_save_interval_seconds:max",
            "expr": "max by (job, run, task) (last_over_time(observed_hooks_save_interval_seconds[2m]))"
          },
          {
            "record": "run_kind:observed_hooks_last_save_timestamp_seconds:max",
            "expr": "max by (job, run, task, kind) (last_over_time(observed_hooks_last_save_timestamp_seconds[2m]))"
          },
          {
            "record": "run_kind:observed_hooks_last_save_step:max",
            "expr": "max by (job, run, task, kind) (last_over_time(observed_hooks_last_save_step[2m]))"
          },
          {
            "record": "run_kind:observed_hooks_checkpoint_size_bytes:sum",
            "expr": "max by (job, run, task, kind) (sum without (part) (observed_hooks_checkpoint_size_bytes))"
          },
          {
            "record": "run_kind:observed_hooks_checkpoint_size_bytes:baseline_ratio",
            "expr": "run_kind:observed_hooks_checkpoint_size_bytes:sum\n/\nmax by (job, run, task, kind) (observed_hooks_checkpoint_baseline_size_bytes)"
          },
          {
            "record": "run:observed_hooks_checkpoint_size_bytes:input_model_ratio",
            "expr": "max by (job, run, task) (run_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"input_pipeline\"})\n/\nmax by (job, run, task) (run_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"model\"})"
          },
          {
            "record": "run_node:observed_hooks_iterator_state_bytes:max",
            "expr": "max by (job, run, task, iterator, node, transformation) (observed_hooks_iterator_state_bytes)"
          },
          {
            "record": "run_component:observed_hooks_checkpoint_component_bytes:max",
            "expr": "max by (job, run, task, component) (observed_hooks_checkpoint_component_bytes{kind=\"model\"})"
          },
          {
            "record": "run_kind:observed_hooks_last_save_duration_seconds:avg",
            "expr": "max by (job, run, task, kind) (avg_over_time(observed_hooks_last_save_duration_seconds[1h]))"
          },
          {
            "record": "run:observed_hooks_save_stall_seconds:rate",
            "expr": "sum by (job, run, task) (rate(observed_hooks_save_stall_seconds_sum[1h]))"
          },
          {
            "record": "run:observed_hooks_retained_bytes:sum",
            "expr": "max by (job, run, task) (sum without (kind) (observed_hooks_retained_bytes))"
          },
          {
            "record": "run:observed_hooks_filesystem_free_bytes:min",
            "expr": "min by (job, run, task) (observed_hooks_filesystem_free_bytes)"
          },
          {
            "record": "run:observed_hooks_filesystem_free_bytes:size_ratio",
            "expr": "run:observed_hooks_filesystem_free_bytes:min\n/\nmax by (job, run, task) (observed_hooks_filesystem_size_bytes)"
          },
          {
            "record": "run:observed_hooks_restore_step_skew:max",
            "expr": "max by (job, run, task) (observed_hooks_restore_step_skew)"
          },
          {
            "record": "run:observed_hooks_restores_total:restarted",
            "expr": "max by (job, run, task) (observed_hooks_restores_total{outcome=\"restarted\"})"
          },
          {
            "record": "run_kind:observed_hooks_restores_total:failure",
            "expr": "max by (job, run, task, kind) (observed_hooks_restores_total{outcome=\"failure\"})"
          }
        ]
      }
    ]
  },
  prometheusAlerts+:: {
    "groups": [
      {
        "name": "observed_hooks.saving",
        "rules": [
          {
            "alert": "CheckpointOverdue",
            "expr": "(\n  time() - last_over_time(run_kind:observed_hooks_last_save_timestamp_seconds:max[12h])\n    > on (job, run, task) group_left () clamp_min(3 * last_over_time(run:observed_hooks_save_interval_seconds:max[12h]), 600)\n  or\n  time() - last_over_time(run_kind:observed_hooks_last_save_timestamp_seconds:max[12h]) > 7200\n    unless on (job, run, task) last_over_time(run:observed_hooks_save_interval_seconds:max[12h])\n)\nunless on (job, run, task)\nlast_over_time(run:observed_hooks_run_active:max[12h]) == 0\nunless on (job, run, task, kind)\nlabel_replace(\n  last_over_time(run_kind:observed_hooks_last_save_timestamp_seconds:max{kind=\"model\"}[12h]),\n  \"kind\", \"input_pipeline\", \"\", \"\"\n)",
            "for": "5m",
            "labels": {
              "severity": "critical"
            },
            "annotations": {
              "summary": "A run has not saved for too long.",
              "description": "The newest {{ $labels.kind }} checkpoint of run {{ $labels.run }} ({{ $labels.task }}) is {{ $value | humanizeDuration }} old, and the run has not ended as it should.",
              "runbook_url": "runbook.md#checkpointoverdue"
            }
          },
          {
            "alert": "CheckpointStuck",
            "expr": "(\n  last_over_time(run_kind:observed_hooks_last_save_step:max[5m])\n    == last_over_time(run_kind:observed_hooks_last_save_step:max[5m] offset 2h)\n  unless\n  time() - run_kind:observed_hooks_last_save_timestamp_seconds:max > 7200\n)\nunless on (job, run, task)\nlast_over_time(run:observed_hooks_run_active:max[12h]) == 0\nunless on (job, run, task, kind)\nlabel_replace(\n  last_over_time(run_kind:observed_hooks_last_save_timestamp_seconds:max{kind=\"model\"}[12h]),\n  \"kind\", \"input_pipeline\", \"\", \"\"\n)",
            "for": "10m",
            "labels": {
              "severity": "critical"
            },
            "annotations": {
              "summary": "A run saves, but always the same step.",
              "description": "The newest {{ $labels.kind }} checkpoint of run {{ $labels.run }} ({{ $labels.task }}) is of step {{ $value }}, as it was 2h ago.",
              "runbook_url": "runbook.md#checkpointstuck"
            }
          },
          {
            "alert": "TrainingVanished",
            "expr": "last_over_time(run:observed_hooks_run_active:max[12h]) == 1\nunless on (job, run, task)\nrun:observed_hooks_run_active:max",
            "for": "5m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "A run is gone without having ended.",
              "description": "Nothing is heard of run {{ $labels.run }} ({{ $labels.task }}) any more, and it never said that it had ended.",
              "runbook_url": "runbook.md#trainingvanished"
            }
          },
          {
            "alert": "CheckpointSavesFailing",
            "expr": "sum by (job, run, task, kind) (increase(observed_hooks_saves_total{outcome=\"failure\"}[30m])) >= 3\nunless\nsum by (job, run, task, kind) (increase(observed_hooks_saves_total{outcome=\"success\"}[30m])) > 0",
            "labels": {
              "severity": "critical"
            },
            "annotations": {
              "summary": "One save after the other fails.",
              "description": "{{ printf \"%.0f\" $value }} saves of the {{ $labels.kind }} of run {{ $labels.run }} ({{ $labels.task }}) have failed within 30m, and none has succeeded.",
              "runbook_url": "runbook.md#checkpointsavesfailing"
            }
          },
          {
            "alert": "CheckpointSaveFailed",
            "expr": "sum by (job, run, task, kind) (increase(observed_hooks_saves_total{outcome=\"failure\"}[30m])) > 0",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "A save has failed.",
              "description": "A save of the {{ $labels.kind }} of run {{ $labels.run }} ({{ $labels.task }}) has failed within 30m.",
              "runbook_url": "runbook.md#checkpointsavefailed"
            }
          },
          {
            "alert": "CheckpointSavesSkipped",
            "expr": "sum by (job, run, task, kind) (increase(observed_hooks_saves_total{outcome=\"skipped\"}[30m]))\n/\nsum by (job, run, task, kind) (increase(observed_hooks_saves_total[30m]))\n> 0.1",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "Saves are skipped.",
              "description": "{{ $value | humanizePercentage }} of the saves that were due for the {{ $labels.kind }} of run {{ $labels.run }} ({{ $labels.task }}) have been skipped within 30m.",
              "runbook_url": "runbook.md#checkpointsavesskipped"
            }
          }
        ]
      },
      {
        "name": "observed_hooks.size",
        "rules": [
          {
            "alert": "CheckpointBloat",
            "expr": "run_kind:observed_hooks_checkpoint_size_bytes:baseline_ratio > 1.5\nunless\nrun_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"input_pipeline\"} < 67108864",
            "for": "5m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "Checkpoints are much larger than the run's first ones.",
              "description": "The newest {{ $labels.kind }} checkpoint of run {{ $labels.run }} ({{ $labels.task }}) weighs {{ $value | humanize }} times as much as the first ones.{{ if eq $labels.kind \"input_pipeline\" }}{{ range printf `topk(1, run_node:observed_hooks_iterator_state_bytes:max{job=%q, run=%q, task=%q})` $labels.job $labels.run $labels.task | query }} {{ .Value | humanize1024 }}B of it belong to {{ .Labels.transformation }} ({{ .Labels.node }}).{{ end }}{{ else }}{{ range printf `topk(1, run_component:observed_hooks_checkpoint_component_bytes:max{job=%q, run=%q, task=%q})` $labels.job $labels.run $labels.task | query }} {{ .Value | humanize1024 }}B of it are of component {{ .Labels.component }}.{{ end }}{{ end }}",
              "runbook_url": "runbook.md#checkpointbloat"
            }
          },
          {
            "alert": "CheckpointGrowth",
            "expr": "run_kind:observed_hooks_checkpoint_size_bytes:sum > 1.5 * quantile_over_time(0.5, run_kind:observed_hooks_checkpoint_size_bytes:sum[6h])\nand\nrun_kind:observed_hooks_checkpoint_size_bytes:sum offset 1h\nunless\nrun_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"input_pipeline\"} < 67108864",
            "for": "5m",
            "labels": {
              "severity": "info"
            },
            "annotations": {
              "summary": "Checkpoints grow faster than they used to.",
              "description": "The newest {{ $labels.kind }} checkpoint of run {{ $labels.run }} ({{ $labels.task }}) weighs {{ $value | humanize1024 }}B, more than 1.5 times its median of the last 6h.",
              "runbook_url": "runbook.md#checkpointgrowth"
            }
          },
          {
            "alert": "InputOutweighsModel",
            "expr": "run:observed_hooks_checkpoint_size_bytes:input_model_ratio > 1\nunless on (job, run, task)\nrun_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"input_pipeline\"} < 67108864",
            "for": "5m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "The input pipeline takes more room in checkpoints than the model.",
              "description": "The input checkpoint of run {{ $labels.run }} ({{ $labels.task }}) weighs {{ $value | humanize }} times its model checkpoint.{{ range printf `topk(1, run_node:observed_hooks_iterator_state_bytes:max{job=%q, run=%q, task=%q})` $labels.job $labels.run $labels.task | query }} {{ .Value | humanize1024 }}B of it belong to {{ .Labels.transformation }} ({{ .Labels.node }}).{{ end }}",
              "runbook_url": "runbook.md#inputoutweighsmodel"
            }
          },
          {
            "alert": "IteratorStateConcentrated",
            "expr": "run_node:observed_hooks_iterator_state_bytes:max / on (job, run, task) group_left () max by (job, run, task) (run_kind:observed_hooks_checkpoint_size_bytes:sum{kind=\"input_pipeline\"})\n> 0.5\nand\nrun_node:observed_hooks_iterator_state_bytes:max >= 67108864",
            "for": "5m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "One tf.data node makes up most of a large input checkpoint.",
              "description": "{{ $labels.transformation }} ({{ $labels.node }}) makes up {{ $value | humanizePercentage }} of the input checkpoint of run {{ $labels.run }} ({{ $labels.task }}).",
              "runbook_url": "runbook.md#iteratorstateconcentrated"
            }
          }
        ]
      },
      {
        "name": "observed_hooks.time",
        "rules": [
          {
            "alert": "CheckpointSaveSlow",
            "expr": "run_kind:observed_hooks_last_save_duration_seconds:avg > 300",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "Saves take too long.",
              "description": "A save of the {{ $labels.kind }} of run {{ $labels.run }} ({{ $labels.task }}) has taken {{ $value | humanizeDuration }} on average over the last 1h.",
              "runbook_url": "runbook.md#checkpointsaveslow"
            }
          },
          {
            "alert": "SavingStallsTraining",
            "expr": "run:observed_hooks_save_stall_seconds:rate > 0.05",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "Saving holds up training for more than its budget.",
              "description": "Saves have held up run {{ $labels.run }} ({{ $labels.task }}) for {{ $value | humanizePercentage }} of the last 1h.",
              "runbook_url": "runbook.md#savingstallstraining"
            }
          }
        ]
      },
      {
        "name": "observed_hooks.disk",
        "rules": [
          {
            "alert": "CheckpointDiskFull",
            "expr": "run:observed_hooks_filesystem_free_bytes:min\n< on (job, run, task)\n2 * sum by (job, run, task) (run_kind:observed_hooks_checkpoint_size_bytes:sum)",
            "labels": {
              "severity": "critical"
            },
            "annotations": {
              "summary": "The next checkpoints do not fit on the disk.",
              "description": "Only {{ $value | humanize1024 }}B are free for the checkpoints of run {{ $labels.run }} ({{ $labels.task }}), not enough for 2 more.",
              "runbook_url": "runbook.md#checkpointdiskfull"
            }
          },
          {
            "alert": "CheckpointDiskFilling",
            "expr": "run:observed_hooks_filesystem_free_bytes:size_ratio < 0.25\nand\npredict_linear(run:observed_hooks_filesystem_free_bytes:min[1h], 86400) < 0",
            "for": "15m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "The disk that holds checkpoints is filling up.",
              "description": "{{ $value | humanizePercentage }} of the file system that holds the checkpoints of run {{ $labels.run }} ({{ $labels.task }}) are free, and at the present pace nothing is left within 1d.",
              "runbook_url": "runbook.md#checkpointdiskfilling"
            }
          },
          {
            "alert": "CheckpointsRetainedLarge",
            "expr": "run:observed_hooks_retained_bytes:sum\n> on (job, run, task)\n0.5 * max by (job, run, task) (observed_hooks_filesystem_size_bytes)\nor\nrun:observed_hooks_retained_bytes:sum > 1099511627776",
            "for": "5m",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "The checkpoints that are kept take too much room.",
              "description": "The checkpoints kept by run {{ $labels.run }} ({{ $labels.task }}) take {{ $value | humanize1024 }}B.",
              "runbook_url": "runbook.md#checkpointsretainedlarge"
            }
          }
        ]
      },
      {
        "name": "observed_hooks.resume",
        "rules": [
          {
            "alert": "RestoreFailed",
            "expr": "run_kind:observed_hooks_restores_total:failure > 0\nunless\nrun_kind:observed_hooks_restores_total:failure == run_kind:observed_hooks_restores_total:failure offset 6h",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "A checkpoint could not be restored.",
              "description": "A checkpoint of the {{ $labels.kind }} of run {{ $labels.run }} ({{ $labels.task }}) could not be restored.",
              "runbook_url": "runbook.md#restorefailed"
            }
          },
          {
            "alert": "ResumeSkewed",
            "expr": "(\nrun:observed_hooks_restore_step_skew:max > 0\nunless\nrun:observed_hooks_restore_step_skew:max == run:observed_hooks_restore_step_skew:max offset 6h\n)\nunless on (job, run, task)\nrun:observed_hooks_restores_total:restarted > 0",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "Model and input pipeline resumed from different steps.",
              "description": "The input pipeline of run {{ $labels.run }} ({{ $labels.task }}) resumed {{ $value }} steps behind its model: those elements are trained on twice.",
              "runbook_url": "runbook.md#resumeskewed"
            }
          },
          {
            "alert": "InputRestarted",
            "expr": "run:observed_hooks_restores_total:restarted > 0\nunless\nrun:observed_hooks_restores_total:restarted == run:observed_hooks_restores_total:restarted offset 6h",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "The input pipeline began afresh although the model did not.",
              "description": "The input pipeline of run {{ $labels.run }} ({{ $labels.task }}) began at its first element, while the model was resumed.",
              "runbook_url": "runbook.md#inputrestarted"
            }
          }
        ]
      },
      {
        "name": "observed_hooks.observer",
        "rules": [
          {
            "alert": "SinkFailing",
            "expr": "sum by (job, run, task, sink) (increase(observed_hooks_sink_errors_total[1h])) > 0",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "A sink of the observer fails.",
              "description": "Sink {{ $labels.sink }} of run {{ $labels.run }} ({{ $labels.task }}) has failed within 1h; training and the other sinks go on.",
              "runbook_url": "runbook.md#sinkfailing"
            }
          },
          {
            "alert": "EventsDropped",
            "expr": "sum by (job, run, task, sink) (increase(observed_hooks_events_dropped_total[1h])) > 0",
            "labels": {
              "severity": "warning"
            },
            "annotations": {
              "summary": "The observer has dropped events.",
              "description": "{{ printf \"%.0f\" $value }} events for sink {{ $labels.sink }} of run {{ $labels.run }} ({{ $labels.task }}) have been dropped within 1h.",
              "runbook_url": "runbook.md#eventsdropped"
            }
          }
        ]
      }
    ]
  },
}
