from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from observed_hooks.dashboards.artefacts import artefacts, write
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.yaml_text import dump
from observed_hooks.errors import ConfigurationError
from tests.dashboards.names import CONFIG

COMMITTED = Path(__file__).parents[2] / "dashboards"
FILES = artefacts(CONFIG)


class TestTheCommittedFiles:
    @pytest.mark.parametrize("path", FILES)
    def test_are_those_that_the_generator_writes(self, path: str) -> None:
        assert (COMMITTED / path).read_text(encoding="utf-8") == FILES[path], "run `make dashboards`"

    def test_are_no_others(self) -> None:
        found = {path.relative_to(COMMITTED).as_posix() for path in COMMITTED.rglob("*") if path.is_file()}

        assert found == FILES.keys(), "remove what is left over, or run `make dashboards`"


class TestGeneratedText:
    @pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".yml")])
    def test_is_yaml(self, path: str) -> None:
        assert yaml.safe_load(FILES[path])

    @pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".json")])
    def test_is_json(self, path: str) -> None:
        assert json.loads(FILES[path])

    @pytest.mark.parametrize("path", FILES)
    def test_ends_with_one_newline_and_no_blanks(self, path: str) -> None:
        assert FILES[path].endswith("\n")
        assert not re.search(r"[ \t]$|\n\n\Z", FILES[path], re.MULTILINE) or path.endswith(".json")

    def test_of_the_mixin_imports_every_dashboard(self) -> None:
        imported = re.findall(r"import '(grafana/[^']+)'", FILES["mixin.libsonnet"])

        assert set(imported) == {path for path in FILES if path.endswith(".json")}

    def test_of_the_example_loads_the_generated_rules(self) -> None:
        assert yaml.safe_load(FILES["prometheus/prometheus.yml"])["rule_files"] == ["rules.yml", "alerts.yml"]


class TestWriting:
    def test_makes_every_file(self, tmp_path: Path) -> None:
        written = write(str(tmp_path / "new"), CONFIG)

        assert {Path(path).relative_to(tmp_path / "new").as_posix() for path in written} == FILES.keys()
        assert all(Path(path).is_file() for path in written)

    def test_again_is_harmless(self, tmp_path: Path) -> None:
        assert write(str(tmp_path), CONFIG) == write(str(tmp_path), CONFIG)

    def test_spares_files_that_somebody_has_changed(self, tmp_path: Path) -> None:
        write(str(tmp_path), CONFIG)
        mine = tmp_path / "runbook.md"
        mine.write_text("mine")

        with pytest.raises(ConfigurationError, match=r"files are there with other content.* --force"):
            write(str(tmp_path), Config(bloat_ratio=3))

    def test_spares_every_file_when_it_spares_one(self, tmp_path: Path) -> None:
        (tmp_path / "runbook.md").write_text("mine")

        with pytest.raises(ConfigurationError):
            write(str(tmp_path), CONFIG)
        assert [path.name for path in tmp_path.iterdir()] == ["runbook.md"]

    def test_overwrites_when_told(self, tmp_path: Path) -> None:
        (tmp_path / "runbook.md").write_text("mine")
        write(str(tmp_path), CONFIG, force=True)

        assert (tmp_path / "runbook.md").read_text() == FILES["runbook.md"]


class TestYaml:
    def test_shows_queries_as_blocks(self) -> None:
        assert dump({"expr": "a\n/\nb"}) == "expr: |-\n  a\n  /\n  b\n"

    def test_never_breaks_a_line_inside_a_placeholder(self) -> None:
        text = "word " * 22 + "{{ $labels.run | title }} and so on, for a while, until it is long enough"

        assert "{{ $labels.run | title }}" in dump({"description": text})
        assert yaml.safe_load(dump({"description": text})) == {"description": text}
