from __future__ import annotations

from pathlib import Path

import pytest

from observed_hooks.errors import ConfigurationError
from observed_hooks.inspection.finding import every, newest, single


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("model.ckpt-9", "model.ckpt-10", "input.ckpt-10", "best"):
        (tmp_path / f"{name}.index").touch()
    return tmp_path


def names(prefixes: tuple[str, ...]) -> list[str]:
    return [Path(prefix).name for prefix in prefixes]


class TestADirectory:
    def test_means_the_newest_checkpoint_of_each_name(self, directory: Path) -> None:
        assert names(newest(str(directory))) == ["best", "input.ckpt-10", "model.ckpt-10"]

    def test_has_its_steps_in_the_order_of_their_numbers(self, directory: Path) -> None:
        assert names(every(str(directory))) == ["best", "input.ckpt-10", "model.ckpt-9", "model.ckpt-10"]

    def test_is_not_one_checkpoint_when_it_has_several(self, directory: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"name one of best, input\.ckpt-10, model\.ckpt-10"):
            single(str(directory))

    def test_without_a_checkpoint_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no checkpoint in"):
            newest(str(tmp_path))


class TestAPrefix:
    @pytest.mark.parametrize("ending", ["", ".index", ".data-00000-of-00001", ".meta"])
    def test_may_be_given_by_one_of_its_files(self, directory: Path, ending: str) -> None:
        assert newest(str(directory / f"model.ckpt-9{ending}")) == (str(directory / "model.ckpt-9"),)

    def test_without_an_index_is_refused(self, directory: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"no checkpoint at .*model\.ckpt-8"):
            newest(str(directory / "model.ckpt-8"))
