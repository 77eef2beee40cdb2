"""A measuring process: it surveys the source of a plan, or measures one repeat of one case, and ends.

    python -m observed_hooks.compare.child survey PLAN_PATH
    python -m observed_hooks.compare.child case PLAN_PATH CASE_NAME REPEAT

Its standard input is the leash: when that ends, so does the process. A failure is one line in `failure.txt`, in the
directory of the survey or of the repeat; the exit code is 2 for what the user can put right, 1 for anything else.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from observed_hooks.compare.plan import Plan
from observed_hooks.compare.whole import write_whole
from observed_hooks.demo.leash import Leash
from observed_hooks.errors import ObservedHooksError, one_line

MISUSE, FAILED = 2, 1

_FAILURE = "failure.txt"
_ENDED = "the pipeline's module ended the process (sys.exit): guard what it runs with `if __name__ == '__main__':`"
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; return the exit code."""
    # Before TensorFlow is loaded, which takes its time and looks at the environment.
    Leash()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ.pop("TF_CONFIG", None)
    with open(arguments[1], encoding="utf-8") as file:
        plan = Plan.from_json(file.read())
    if arguments[0] == "survey":
        return reported(plan.survey, lambda: _survey(plan, float(arguments[2])))
    name, number = arguments[2], int(arguments[3])
    case = next(case for case in plan.cases if case.name == name)

    def measure() -> None:
        from observed_hooks.compare.measuring import measure

        measure(plan, case, number)

    return reported(plan.repeat(case, number), measure)


def reported(directory: str, work: Callable[[], object]) -> int:
    """Do `work`; return the exit code, and leave a line in `directory` when it fails."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, _FAILURE)
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    try:
        work()
    except ObservedHooksError as error:
        write_whole(path, " ".join(str(error).split()) + "\n")
        return MISUSE
    except SystemExit:
        # Even with an exit code of 0, nothing is done.
        write_whole(path, f"{_ENDED}\n")
        return MISUSE
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent shall know
        traceback.print_exc()
        write_whole(path, f"{_told(error)}\n")
        return FAILED
    return 0


def _survey(plan: Plan, seconds: float) -> None:
    from observed_hooks.compare.survey import Limits, survey

    survey(plan, Limits(seconds=seconds))


def _told(error: Exception) -> str:
    return "ran out of memory" if isinstance(error, MemoryError) else one_line(error)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is on disk: what TensorFlow would tidy up now takes time and is of no use.
    os._exit(code)
