"""Evidence of what workers really train, from outside the product: a log that every tenth leaves a line in.

`install` makes a folder for PYTHONPATH. Python imports its `sitecustomize` at the start of every process, and that
wraps the training loops as soon as they are imported. A line is one write to a file opened for appending, so lines of
several processes never mix, and a killed process takes none of its lines with it.
"""

from dataclasses import dataclass
from pathlib import Path

HOOK = """
import os, sys, time
from importlib.machinery import PathFinder

def note(word, key, tenth):
    file = os.open(os.environ["WITNESS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word} {key} {tenth} {os.getpid()} {time.time()}\\n".encode())
    os.close(file)

def wrap(module):
    current = []
    def tenth(original):
        def advance(work):
            number = work.tenth + 1
            note("begin", current[-1], number)
            result = original(work)
            note("end", current[-1], number)
            return result
        return advance
    def stage(original):
        def advance(run):
            current.append(run.stage.key)
            outcome = original(run)
            if outcome.status != "stopped":
                note("done", run.stage.key, outcome.tenth)
            return outcome
        return advance
    module.FineTuning.advance = tenth(module.FineTuning.advance)
    module.Pretraining.advance = tenth(module.Pretraining.advance)
    module.StageRun.advance = stage(module.StageRun.advance)
    write = module.Checkpoints._write
    def save(checkpoints, state, taken):
        write(checkpoints, state, taken)
        note("saved", checkpoints.folder.split("/")[1], state.tenth)
    module.Checkpoints._write = save

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "trainables.stage_run":
            return None
        spec = PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            wrap(module)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder)
"""


@dataclass(frozen=True, slots=True)
class Line:
    """`word` is begin or end of a tenth, saved: the state after it is written, or done: the stage has an outcome."""

    word: str
    key: str
    tenth: int
    process: int
    time: float


def install(folder: Path) -> Path:
    """Write the hook; the folder belongs on PYTHONPATH, and WITNESS_LOG names the log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK)
    return folder


def read(log: Path) -> list[Line]:
    """The lines in the order in which they were written."""
    if not log.exists():
        return []
    lines = [text.split() for text in log.read_text().splitlines()]
    return [Line(word, key, int(tenth), int(process), float(when)) for word, key, tenth, process, when in lines]
