"""The files for other engines, run by parts of those engines: Vector's remap language and kustomize.

Not run here, because no package index has them: Vector itself (`vector validate` checks its sources and sinks), Mimir,
which the real Prometheus of tests/observability/test_agents.py stands for, and the Prometheus operator, whose schema of
a PodMonitor only a cluster has.
"""

import json
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from support.exporter.golden import DATA
from support.scratch import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
SAMPLE = DATA / "coderouter-2.jsonl"


def remapped(message: str) -> dict[str, Any]:
    """Return the event that Vector's own interpreter makes of a line."""
    pyvrl = pytest.importorskip("pyvrl", reason="it has no wheel for this Python")
    vector = yaml.safe_load((DEPLOY / "vector/vector.yaml").read_text())
    program = pyvrl.Transform(vector["transforms"]["events"]["source"] + "\n.\n")
    found: dict[str, Any] = program.remap({"host": "machine", "message": message})
    return found


def test_vector_keeps_every_field_and_adds_time_and_host() -> None:
    lines = [line for line in SAMPLE.read_text().splitlines() if '"writer"' in line]
    assert len(lines) > 40
    for line in lines:
        event = remapped(line)
        assert event.pop("host") == "machine"
        at = event.pop("timestamp")
        assert at.isoformat(timespec="milliseconds") == event["ts"].replace("Z", "+00:00")
        assert event == json.loads(line)


@pytest.mark.parametrize("line", ["not JSON", "[1]", '{"ts": "yesterday"}'])
def test_vector_drops_what_is_no_event(line: str) -> None:
    with pytest.raises(ValueError, match="remap failure"):
        remapped(line)


def test_the_kustomization_builds_what_the_schema_of_kubernetes_accepts() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run(
        [kubectl, "kustomize", DEPLOY / "kubernetes"], capture_output=True, text=True, check=True
    ).stdout
    objects = {each["kind"]: each for each in yaml.safe_load_all(built)}
    assert objects.keys() == {"ConfigMap", "Deployment", "PodMonitor", "Service"}
    for kind in objects.keys() - {"PodMonitor"}:
        kubernetes_validate.validate(objects[kind], "1.37", strict=True)
    configured = objects["ConfigMap"]["metadata"]["name"]
    assert configured.startswith("coderouter-")
    assert configured in json.dumps(objects["Deployment"])
    assert "registry.example.org/coderouter:2.0.0" in json.dumps(objects["Deployment"])
