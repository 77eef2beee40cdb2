"""The dashboards."""

from __future__ import annotations

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana.board import board_json
from observed_hooks.dashboards.grafana.fleet import fleet_board
from observed_hooks.dashboards.grafana.model import Board
from observed_hooks.dashboards.grafana.shuffle import shuffle_board
from observed_hooks.dashboards.grafana.training import training_board

__all__ = ["Board", "board_files", "boards"]

_MAKERS = {"training-checkpoints": training_board, "checkpoint-fleet": fleet_board, "shuffle-buffers": shuffle_board}


def boards(config: Config) -> dict[str, Board]:
    """Return the dashboards by file name without its ending."""
    return {name: make(config) for name, make in _MAKERS.items()}


def board_files(config: Config) -> dict[str, str]:
    """Return the dashboards' JSON by file name."""
    return {f"{name}.json": board_json(board, config) for name, board in boards(config).items()}
