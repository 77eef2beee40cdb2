"""A training whose directory may not be written any more: `python -m tests.hooks.unprivileged DIRECTORY`.

In a process of its own, which gives up what makes permissions mean nothing to root, before TensorFlow starts threads.
Prints what was published of saves, the error's type, and the newest checkpoint, as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hooks.test_failures import Training

LOST_AT_STEP = 3


def give_up_capabilities() -> None:
    """Have permissions count for this thread, and those it starts; for others than root they count already.

    Source: capset(2), version 3 of its structures: a header, and two of three numbers each.
    """
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def main(directory: str) -> None:
    give_up_capabilities()
    from tests.hooks.test_failures import Training

    training = Training(Path(directory))
    raised = run(training, lambda step: os.chmod(directory, 0o500) if step == LOST_AT_STEP else None)
    os.chmod(directory, 0o700)
    failed = failures(training)
    newest = training.steps_of("model.ckpt")[-1]
    again = run(training, lambda step: None)
    told = {"raised": raised, "failed": failed, "newest": newest, "raised_again": again}
    print(json.dumps({**told, "steps": training.steps_of("model.ckpt")}))  # noqa: T201 - read by the test


def run(training: Training, after_step: Callable[[int], object]) -> str:
    try:
        training.run(6, after_step=after_step)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return type(error).__name__
    return ""


def failures(training: Training) -> list[str]:
    from observed_hooks.events import SaveFailed

    return [event.kind for event in training.bus.events(SaveFailed)]


if __name__ == "__main__":
    main(sys.argv[1])
