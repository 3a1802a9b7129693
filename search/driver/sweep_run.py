"""Run a request with Ray Tune: read the state on disk, start Ray, check the nodes, run the stages that are left."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from search.board.board import Board
from search.cluster.cluster import connect_to_ray, list_alive_nodes
from search.cluster.node_checks import leave_marker
from search.cluster.own_node import OwnNodeMonitor
from search.cluster.start_checks import check_all_gpus, check_cluster
from search.driver.damage import DamageReporter
from search.driver.run_state import SweepRun, read_state
from search.driver.trial_memory import choose_trial_memory
from search.process import signals
from search.process.garbage_collection import pass_over_all_objects
from search.process.ray_folder import create_ray_folder, explain_substitute
from search.request.options import RunOptions
from search.request.request import SweepRequest


def run_sweep(request: SweepRequest, options: RunOptions, slots: int, damage: DamageReporter) -> tuple[Board, bool]:
    """Run the stages that are left; return the board, and True if interrupted. Raises UsageError."""
    run, interrupted = read_state(request, options, slots, damage), False
    pass_over_all_objects()
    board = run.board
    if not (board.is_complete or run.is_preview_done):
        interrupted = _run_stages(run)
        damage.report(board.records.damage)
        damage.report_moved_by_workers()
    run.manifest.write()
    is_done = board.is_complete or run.is_preview_done
    run.status_writer.write_last(board, "interrupted" if interrupted else "done" if is_done else "stopped")
    return board, interrupted


def _run_stages(run: SweepRun) -> bool:
    """Start Ray and run the stages; returns True if the run was interrupted."""
    if note := explain_substitute():
        run.console.print(f"note: {note}", soft_wrap=True)
    options, context = run.options, run.request.context
    with (
        create_ray_folder() as ray_folder,
        connect_to_ray(options, ray_folder),
        leave_marker(context) if options.uses_cluster else nullcontext() as own_facts,
    ):
        if own_facts is not None:
            run.slots = check_cluster(options, run.request, own_facts, run.console)
        run.trial_memory, run.slots = choose_trial_memory(options, run.request, run.slots, run.console)
        run.status_writer.slots = run.slots
        run.board.arrange(run.slots)
        gpus = check_all_gpus(options, run.request, run.console)
        run.manifest.write()
        run.status_writer.write_if_due(run.board)
        from search.driver.tuner import make_packing, run_tuner  # Tune takes a second to import

        packs = gpus if options.packs_gpus else None
        packing = None if packs is None else make_packing(run.board, run.slots, packs.smallest_memory)
        with _watch_own_node(options) as own_node:
            return run_tuner(run, ray_folder, own_node, own_facts, packing)


@contextmanager
def _watch_own_node(options: RunOptions) -> Iterator[OwnNodeMonitor | None]:
    """Watch the cluster node that this process runs on; yields None for a private Ray, which connect_to_ray watches."""
    if not options.uses_cluster:
        yield None
        return
    import ray

    own_node = OwnNodeMonitor(ray.get_runtime_context().get_node_id(), list_alive_nodes, signals.end_now)
    with own_node.watch():
        yield own_node
