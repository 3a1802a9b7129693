"""Evidence of where the time of a sweep's workers goes, from outside the product: a log with a line for every span.

`install` makes a folder for PYTHONPATH. Python imports its `sitecustomize` at the start of every process, and that
wraps the functions in WRAPPED as soon as their module is imported, which is a span too. A line is one write to a file
opened for appending, so lines of several processes never mix. SPANS_LOG names the file.
"""

import json
from dataclasses import dataclass
from pathlib import Path

WRAPPED: dict[str, dict[str, str]] = {
    "torch": {},
    "trainables.stage_trial": {"StageTrial.step": "step", "StageTrial.cleanup": "close"},
    "trainables.stage_start": {"load_cached_encoder": "encoder", "begin_training": "data"},
    "trainables.stage_run": {
        "StageRun.__init__": "open",
        "StageRun._open_training": "data",
        "StageRun.save": "checkpoint",
        "store_encoder": "hand on",
        "StageRun._finish": "outcome",
        "FineTuning.advance": "train",
        "FineTuning.restore_best": "train",
        "FineTuning._evaluate_dev": "judge",
        "Pretraining.advance": "train",
        "score_tests": "score",
        "find_degeneracy": "score",
        "score_retrieval": "score",
        "probe_stage": "probe",
    },
}

HOOK = """
import json, os, sys, time
from contextlib import contextmanager
from importlib.machinery import PathFinder

WRAPPED = json.loads('''%s''')
key, inner = ["-"], [[0.0, 0.0]]

@contextmanager
def span(label):
    inner.append([0.0, 0.0])
    began, cpu = time.time(), time.process_time()
    try:
        yield
    finally:
        wall, used = time.time() - began, time.process_time() - cpu
        below = inner.pop()
        inner[-1][0] += wall
        inner[-1][1] += used
        fields = (label, key[0], os.getpid(), began, wall, wall - below[0], used - below[1])
        file = os.open(os.environ["SPANS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, ("\\t".join(map(str, fields)) + "\\n").encode())
        os.close(file)

def wrap(owner, name, label):
    original = getattr(owner, name)
    def spanned(*args, **kwargs):
        import sitecustomize as here  # Ray may copy this function, and then its globals too

        waits = label == "step" and "wait" in args[0].config  # it is no stage
        if label == "step":
            here.key[0] = args[0].config.get("key", "-")
        with here.span("wait" if waits else label):
            return original(*args, **kwargs)
    setattr(owner, name, spanned)

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in WRAPPED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module
        def exec_module(module):
            with span("imports"):
                execute(module)
            for function, label in WRAPPED[name].items():
                owner, _, method = function.rpartition(".")
                wrap(getattr(module, owner) if owner else module, method, label)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder)
with span("process"):
    pass
"""


@dataclass(frozen=True, slots=True)
class Span:
    """What a process did for `wall` seconds; `own` and `cpu` leave out the spans inside it."""

    label: str
    key: str
    process: int
    began: float
    wall: float
    own: float
    cpu: float

    @property
    def end(self) -> float:
        """When it was over."""
        return self.began + self.wall


def install(folder: Path) -> Path:
    """Write the hook; the folder belongs on PYTHONPATH, and SPANS_LOG names the log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK % json.dumps(WRAPPED))
    return folder


def read(log: Path) -> list[Span]:
    """The spans by their beginning."""
    lines = [text.split("\t") for text in log.read_text().splitlines()]
    spans = [Span(label, key, int(process), *map(float, times)) for label, key, process, *times in lines]
    return sorted(spans, key=lambda span: span.began)
