"""Two Ray nodes on this machine for a test, in a process of their own. Prints the address, then reads commands.

The head runs no stage; the other node has two CPUs and one logical GPU. `replace` kills it and starts another one;
`notice` tells Ray that it will be taken away, and starts another one.
The nodes' own Python path has a package with the name of one of ours that cannot be imported: a sweep runs only if its
code is sent to them.
"""

import os
import sys
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray._raylet import GcsClient
from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

LOGICAL_GPU = Path(__file__).parent / "logical_gpu"
DECOY = "raise ImportError('this is the code of the node, not of the sweep')\n"


def main(folder: Path) -> None:
    decoy = folder / "trainables"
    decoy.mkdir()
    (decoy / "__init__.py").write_text(DECOY)
    path = os.pathsep.join([str(folder), str(LOGICAL_GPU)])
    common = {"include_dashboard": False, "object_store_memory": 80 * 2**20, "env_vars": {"PYTHONPATH": path}}
    cluster = Cluster(initialize_head=True, head_node_args={**common, "num_cpus": 1, "num_gpus": 0})
    node = cluster.add_node(**common, num_cpus=2, num_gpus=1)
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "replace":
            cluster.remove_node(node, allow_graceful=False)
            print("killed", flush=True)
            node = cluster.add_node(**common, num_cpus=2, num_gpus=1)
        if line.strip() == "notice":
            reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
            GcsClient(address=cluster.address).drain_node(node.node_id, reason, "spot", 0)
            print("told", flush=True)
            node = cluster.add_node(**common, num_cpus=2, num_gpus=1)
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
