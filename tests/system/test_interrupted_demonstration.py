"""Ctrl-C during the demonstration: nothing runs on, and nothing is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "controller.command_line.main", "demo"]


def test_an_interrupted_demonstration_leaves_no_folder_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demonstration:
        assert demonstration.stdout is not None
        while " machines in " not in demonstration.stdout.readline():
            assert demonstration.poll() is None
        (folder,) = tmp_path.iterdir()
        assert (folder / "machines").is_dir()
        demonstration.send_signal(signal.SIGINT)
        _, complaint = demonstration.communicate(timeout=30)
    assert (demonstration.returncode, complaint.strip()) == (130, "")
    assert not list(tmp_path.iterdir())
