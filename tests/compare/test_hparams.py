from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from observed_hooks.compare import measures as m
from observed_hooks.compare.hparams import tag, value, write_hparams
from observed_hooks.compare.measures import MEASURES
from observed_hooks.compare.result import Row
from observed_hooks.errors import ConfigurationError
from tests.compare.results import FAILED, FOUR_SERIES, MIB, ONE_SERIES, RUNS


class Run:
    """One directory as TensorBoard's own reader finds it."""

    def __init__(self, directory: Path) -> None:
        self._read = EventAccumulator(str(directory)).Reload()

    @property
    def metrics(self) -> dict[str, float]:
        tags = self._read.Tags()["tensors"]
        return {
            each: float(self._read.Tensors(each)[0].tensor_proto.float_val[0])
            for each in tags
            if each.startswith("compare/")
        }

    def plugin(self, name: str) -> Any:
        content = self._read.PluginTagToContent(metadata.PLUGIN_NAME)[name]
        return HParamsPluginData.FromString(content)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        session = self.plugin(metadata.SESSION_START_INFO_TAG).session_start_info
        return {name: getattr(each, each.WhichOneof("kind")) for name, each in session.hparams.items()}


def expected(row: Row) -> dict[str, float]:
    return {tag(each): value(each, row.figures[each.name].median) for each in MEASURES if each.name in row.figures}


class TestRuns:
    def test_are_one_for_each_row_by_its_name(self, tmp_path: Path) -> None:
        write_hparams(FOUR_SERIES, tmp_path)

        assert {each.name for each in tmp_path.iterdir() if each.is_dir()} == {row.name for row in FOUR_SERIES.rows}

    def test_have_the_case_as_hyperparameters(self, tmp_path: Path) -> None:
        write_hparams(FOUR_SERIES, tmp_path)

        assert Run(tmp_path / "shuffle-10k-before-decode-symbolic").hyperparameters == {
            "buffer_size": 10_000.0,
            "placement": "before-decode",
            "symbolic": True,
        }

    def test_have_the_medians_as_metrics(self, tmp_path: Path) -> None:
        write_hparams(ONE_SERIES, tmp_path)

        for row in ONE_SERIES.rows:
            assert Run(tmp_path / row.name).metrics == pytest.approx(expected(row), rel=1e-6)

    def test_have_bytes_as_mib_which_a_float32_holds(self, tmp_path: Path) -> None:
        write_hparams(ONE_SERIES, tmp_path)
        checkpoint = ONE_SERIES.rows[3].figures[m.CHECKPOINT.name].median

        assert Run(tmp_path / "shuffle-10k").metrics["compare/checkpoint_mib"] == pytest.approx(checkpoint / MIB)

    def test_say_whether_the_case_failed(self, tmp_path: Path) -> None:
        write_hparams(replace(ONE_SERIES, rows=(ONE_SERIES.rows[0], FAILED)), tmp_path)
        ends = [
            Run(tmp_path / name).plugin(metadata.SESSION_END_INFO_TAG).session_end_info.status
            for name in ("shuffle-0", "shuffle-1m")
        ]

        assert ends == [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE]

    def test_leave_out_what_is_not_known_of_a_real_training(self, tmp_path: Path) -> None:
        write_hparams(RUNS, tmp_path)

        assert Run(tmp_path / "digits").hyperparameters == {"buffer_size": 1_000.0, "symbolic": False}
        assert Run(tmp_path / "speech").hyperparameters == {}
        assert Run(tmp_path / "speech").metrics == pytest.approx(expected(RUNS.rows[2]), rel=1e-6)

    def test_are_trials_of_their_own_even_when_of_one_kind(self, tmp_path: Path) -> None:
        two = replace(RUNS, rows=(RUNS.rows[0], replace(RUNS.rows[0], name="again")))
        write_hparams(two, tmp_path)
        groups = {
            Run(tmp_path / name).plugin(metadata.SESSION_START_INFO_TAG).session_start_info.group_name
            for name in ("digits", "again")
        }

        assert len(groups) == 2

    @pytest.mark.parametrize("name", ["../outside", "/outside", "..", "", "a/b", ".hidden"])
    def test_stay_below_the_directory_whatever_their_name(self, tmp_path: Path, name: str) -> None:
        logdir = tmp_path / "logs"
        rows = (replace(RUNS.rows[0], name=name), replace(RUNS.rows[1], name=name))
        write_hparams(replace(RUNS, rows=rows), logdir)

        assert os.listdir(tmp_path) == ["logs"]
        assert len([each for each in logdir.iterdir() if each.is_dir()]) == 2


class TestTheExperiment:
    def experiment(self, directory: Path) -> Any:
        return Run(directory).plugin(metadata.EXPERIMENT_TAG).experiment

    def test_names_hyperparameters_and_metrics_that_there_are(self, tmp_path: Path) -> None:
        write_hparams(ONE_SERIES, tmp_path)
        found = self.experiment(tmp_path)

        assert [each.name for each in found.hparam_infos] == ["buffer_size", "symbolic"]
        assert [each.name.tag for each in found.metric_infos] == [tag(each) for each in MEASURES]

    def test_says_units_and_methods(self, tmp_path: Path) -> None:
        write_hparams(ONE_SERIES, tmp_path)
        found = {each.name.tag: each for each in self.experiment(tmp_path).metric_infos}

        assert found["compare/checkpoint_mib"].display_name == "checkpoint MiB"
        assert found["compare/save_stall_seconds"].display_name == "stall s"
        assert found["compare/mixing"].description == m.MIXING.method

    def test_has_names_that_do_not_overlap_as_heads_of_columns(self, tmp_path: Path) -> None:
        write_hparams(ONE_SERIES, tmp_path)

        assert all(len(each.display_name) <= 14 for each in self.experiment(tmp_path).metric_infos)

    def test_is_of_the_date_of_the_result(self, tmp_path: Path) -> None:
        write_hparams(replace(ONE_SERIES, date="2026-03-01T12:30:00Z"), tmp_path)

        assert self.experiment(tmp_path).time_created_secs == 1_772_368_200


class TestWritingAgain:
    def test_replaces_what_was_written_before(self, tmp_path: Path) -> None:
        write_hparams(FOUR_SERIES, tmp_path)
        write_hparams(ONE_SERIES, tmp_path)

        assert len([each for each in tmp_path.rglob("*") if each.is_file()]) == 1 + len(ONE_SERIES.rows)

    def test_touches_no_file_of_others(self, tmp_path: Path) -> None:
        (tmp_path / "events.out.tfevents.1.host.1.0").write_bytes(b"theirs")
        write_hparams(ONE_SERIES, tmp_path)
        write_hparams(ONE_SERIES, tmp_path)

        assert (tmp_path / "events.out.tfevents.1.host.1.0").read_bytes() == b"theirs"


class TestADirectoryThatCannotBeWritten:
    def test_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(ConfigurationError, match=r"HParams cannot be written to .*file: "):
            write_hparams(ONE_SERIES, tmp_path / "file")
