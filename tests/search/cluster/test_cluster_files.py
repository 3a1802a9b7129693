"""The files for `ray up` and Slurm and the page about clusters: their commands are commands that exist."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from search.cluster.cluster import BOOTSTRAP_FILE
from search.request.options import build_parser
from tests.paths import ROOT

SEARCH = ROOT / "search"
PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
SLURM = SEARCH / "cluster" / "slurm.sh"


@pytest.fixture
def config() -> dict[str, Any]:
    return dict(yaml.safe_load((SEARCH / "cluster" / "cluster.yaml").read_text(encoding="utf-8")))


@pytest.mark.filterwarnings("ignore")  # of Ray's own imports
def test_ray_accepts_the_cluster_file(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import validate_config

    validate_config({**config, "cluster_synced_files": []})
    with pytest.raises(Exception, match="unknown_field"):
        validate_config({**config, "cluster_synced_files": [], "unknown_field": 1})


def test_its_commands_fit_the_page_and_the_code(config: dict[str, Any]) -> None:
    mounted = next(there for there, here in config["file_mounts"].items() if here == ".")
    install = config["setup_commands"][-1]
    assert f"-c {mounted}/constraints.txt -e {mounted} " in install and (ROOT / "constraints.txt").exists()
    assert f"cd {mounted} && python search/run.py" in PAGE
    assert f"--autoscaling-config={BOOTSTRAP_FILE} " in config["head_start_ray_commands"][-1] + " "
    kinds = config["available_node_types"]
    assert all(kind["resources"]["CPU"] for kind in kinds.values()), "search/cluster/cluster.py reads them"
    assert "spot" not in str(kinds[config["head_node_type"]]) and "spot" in str(kinds["gpu"])


def commands() -> list[str]:
    """The flags of every sweep in the page and the Slurm script."""
    text = PAGE + SLURM.read_text(encoding="utf-8").replace("\\\n#", " ")
    text = text.replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith(("    ", "#   ")) and "--space" in line]
    return [line[line.index("--space") :].rstrip("'") for line in lines]


def test_every_sweep_in_the_page_has_flags_that_exist() -> None:
    assert len(commands()) >= 4
    for command in commands():
        options = build_parser().parse_args(shlex.split(command))
        assert options.results != "runs", f"{command}: a folder that all nodes see"


def test_every_flag_in_the_page_exists() -> None:
    known = {flag for action in build_parser()._actions for flag in action.option_strings}
    others = {"--head", "--port", "--num-gpus", "--tmux", "--nodes", "--gpus-per-node", "--signal", "--generate"}
    named = {word.strip("`.,;:()").split("=")[0] for word in PAGE.split() if word.lstrip("`(").startswith("--")}
    assert named - known - others == set()


def test_the_slurm_script_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", str(SLURM)], check=True)
    assert os.access(SLURM, os.X_OK)


FAKES = {
    "srun": 'echo "srun $*" >> "$LOG"; while [[ $1 == -* ]]; do shift; done; exec "$@"',
    "scontrol": 'echo "scontrol $*" >> "$LOG"; if [ "$1" = show ]; then printf "one\\ntwo\\n"; fi',
    "squeue": 'date -d "@$(($(date +%s) + 45 + LEFT))" +%FT%T',
    "ray": 'echo "ray $*" >> "$LOG"; [ "$1" = start ] && exec sleep 60; printf " 1 node_a\\n 1 node_b\\n"',
    # It ends at the second signal; seconds between both are recorded.
    "python": """echo "python $*" >> "$LOG"
        trap '[ -n "$first" ] && { echo "waited $((SECONDS - first))" >> "$LOG"; exit 130; }; first=$SECONDS' TERM
        for _ in $(seq 300); do sleep 0.1; done""",
}


@pytest.mark.parametrize("left", [4, -60])  # seconds that a stage has to finish its tenth
def test_the_slurm_script_starts_ends_and_goes_back_into_the_queue(tmp_path: Path, left: int) -> None:
    """With fakes of Slurm, Ray and the sweep: which processes start, and what follows the signal before the end."""
    log = tmp_path / "log"
    log.touch()
    for name, body in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(log),
        "LEFT": str(left),
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "one,two",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "3",
        "SLURM_GPUS_ON_NODE": "1",
    }
    script = subprocess.Popen(["bash", str(SLURM), "--space", "quick"], cwd=ROOT, env=environment)
    while "python search/run.py" not in log.read_text() and script.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)  # the sweep's trap is set
    script.send_signal(signal.SIGTERM)
    assert script.wait() == 130
    calls = log.read_text().splitlines()
    head = next(line for line in calls if line.startswith("ray start --head"))
    worker = next(line for line in calls if line.startswith("ray start --address"))
    address = next(word for word in worker.split() if word.startswith("--address=")).partition("=")[2]
    assert address.endswith(":20007") and "--port=20007" in head
    assert all("--num-cpus=3 --num-gpus=1 --block" in line for line in (head, worker))
    steps = [line for line in calls if line.startswith("srun") and "ray start" in line]
    assert len(steps) == 2 and all("--cpus-per-task=3" in line for line in steps), "a step does not inherit the cores"
    assert any("--nodelist=one" in line and "--head" in line for line in steps)
    assert any("--exclude=one" in line and "--nodes=1" in line for line in steps)
    assert f"python search/run.py --space quick --address {address}" in calls
    (waited,) = (int(line.split()[1]) for line in calls if line.startswith("waited "))
    assert max(2, left) - 1 <= waited <= max(2, left) + 2
    assert calls[-1] == "scontrol requeue 7"
