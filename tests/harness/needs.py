"""Programs from outside Python that some tests run, and whether they are here."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.harness.postgresql import programs

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_SHELL = "/usr/bin/chromium-headless-shell"
"""The same engine without the browser's own windows around the page, which take as much processor time as the page."""
FIREFOX = "/usr/bin/firefox-esr"
TSC = Path(__file__).parents[2] / "tools" / "typescript" / "node_modules" / ".bin" / "tsc"
LOCALSTRIPE = Path(sys.prefix) / "localstripe"
"""A stand-in for Stripe that others wrote. It is under the GPL: run, never imported."""
SYSTEM_PYTHON = "/usr/bin/python3"
"""Debian's own, which sees python3-gst."""

GSTREAMER_PROBE = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstWebRTC", "1.0"); gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstWebRTC, GstSdp
Gst.init(None)
for name in ("webrtcbin", "opusenc", "rtpopuspay", "audiotestsrc", "nicesrc", "dtlssrtpenc", "srtpenc"):
    if Gst.ElementFactory.find(name) is None:
        raise SystemExit(f"no element {name}")
"""


@functools.cache
def missing(name: str) -> str | None:
    """Why `name` cannot be used here; None if it can."""
    match name:
        case "chromium":
            absent = [program for program in (CHROMIUM, CHROMIUM_SHELL) if not os.access(program, os.X_OK)]
            return f"no {absent[0]}" if absent else None
        case "coturn":
            return None if shutil.which("turnserver") else "no turnserver (Debian's coturn)"
        case "firefox":
            return _missing_firefox()
        case "gstreamer":
            return _missing_gstreamer()
        case "localstripe":
            return None if (LOCALSTRIPE / "localstripe").is_dir() else f"no {LOCALSTRIPE} (make install-dev)"
        case "netns":
            return _missing_netns()
        case "typescript":
            return None if TSC.exists() and shutil.which("node") else f"no {TSC} (make typescript), or no node"
        case "postgresql":
            return None if programs() is not None else "no initdb (Debian's postgresql)"
        case "haproxy":
            return None if shutil.which("haproxy") else "no haproxy (Debian's)"
        case "systemd":
            return None if shutil.which("systemd-analyze") else "no systemd-analyze (Debian's systemd)"
        case "redis":
            return None if shutil.which("redis-server") else "no redis-server (Debian's)"
    raise ValueError(f"nobody knows how to look for {name!r}")


def _missing_firefox() -> str | None:
    if not os.access(FIREFOX, os.X_OK):
        return f"no {FIREFOX}"
    return None if shutil.which("pulseaudio") else "no pulseaudio (headless Firefox needs an audio device)"


def _missing_gstreamer() -> str | None:
    try:
        probe = subprocess.run([SYSTEM_PYTHON, "-c", GSTREAMER_PROBE], capture_output=True, text=True, timeout=60)
    except OSError as error:
        return str(error)
    return None if probe.returncode == 0 else (probe.stderr.strip().splitlines() or ["the probe failed"])[-1]


def _missing_netns() -> str | None:
    if shutil.which("ip") is None:
        return "no ip (Debian's iproute2)"
    name = f"spaces-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return made.stderr.strip() or "may not make network namespaces"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return None
