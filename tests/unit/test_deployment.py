"""What the repository ships for operators is what their tools take."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.needs("systemd")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With a program that is here in place of ours."""
    unit = (DEPLOY / "spaces@.service").read_text().replace("/opt/spaces/bin/spaces", "/usr/bin/true")
    (tmp_path / "spaces@8081.service").write_text(unit)
    shutil.copy(DEPLOY / "spaces.target", tmp_path)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "./spaces@8081.service", "./spaces.target"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.needs("haproxy")
def test_haproxy_takes_its_configuration(tmp_path: Path) -> None:
    """With addresses that can be resolved here."""
    text = (DEPLOY / "haproxy.cfg").read_text().replace(" node1:", " 127.0.0.1:").replace(" node2:", " 127.0.0.2:")
    (tmp_path / "haproxy.cfg").write_text(text)
    checked = subprocess.run(["haproxy", "-c", "-f", "haproxy.cfg"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr
