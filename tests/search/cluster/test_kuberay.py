"""The job for Kubernetes: fields that KubeRay knows, Ray's version, the same image and volume everywhere.

The fields are those of KubeRay's API reference (ray.io/v1), and of a Kubernetes pod.
"""

import re
from typing import Any

import yaml

from tests.paths import ROOT

FIELDS = {
    "RayJob": {"apiVersion", "kind", "metadata", "spec"},
    "spec": {"entrypoint", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "backoffLimit", "rayClusterSpec"},
    "rayClusterSpec": {
        *("rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs"),
    },
    "headGroupSpec": {"rayStartParams", "template"},
    "workerGroup": {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"},
    "pod": {"containers", "volumes"},
    "container": {"name", "image", "resources", "volumeMounts"},
}


def read_job() -> Any:
    return yaml.safe_load((ROOT / "search" / "cluster" / "kuberay.yaml").read_text(encoding="utf-8"))


def pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_a_job_of_kuberay_has_fields_that_it_knows() -> None:
    job = read_job()
    cluster = job["spec"]["rayClusterSpec"]
    (worker,) = cluster["workerGroupSpecs"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], worker)]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    for name, entry in (
        *(("RayJob", job), ("spec", job["spec"]), ("rayClusterSpec", cluster)),
        *(("headGroupSpec", cluster["headGroupSpec"]), ("workerGroup", worker)),
        *(("pod", pod) for pod in pods),
        *(("container", container) for pod in pods for container in pod["containers"]),
    ):
        assert entry.keys() <= FIELDS[name], name
    params = [*cluster["headGroupSpec"]["rayStartParams"].values(), *worker["rayStartParams"].values()]
    assert params and all(isinstance(value, str) for value in params)


def test_pods_have_one_image_the_shared_volume_and_limits() -> None:
    cluster = read_job()["spec"]["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    containers = [container for pod in pods for container in pod["containers"]]
    assert len({container["image"] for container in containers}) == 1
    for pod, container in zip(pods, containers, strict=True):
        assert {"name": "shared", "mountPath": "/shared"} in container["volumeMounts"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert container["resources"]["limits"] == container["resources"]["requests"], "Ray counts the limits"
    assert "nvidia.com/gpu" not in containers[0]["resources"]["limits"], "no stage runs beside the driver"


def test_ray_is_the_tested_one_and_the_command_joins_the_cluster() -> None:
    job = read_job()["spec"]
    assert job["rayClusterSpec"]["rayVersion"] == pinned("ray")
    assert "search/run.py" in job["entrypoint"] and "--address auto" in job["entrypoint"]
    (worker,) = job["rayClusterSpec"]["workerGroupSpecs"]
    assert f"--max-concurrent {worker['maxReplicas']} " in job["entrypoint"], "else no second worker is ever asked for"
