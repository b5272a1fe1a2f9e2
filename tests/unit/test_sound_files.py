"""Files that nobody trusts: what is sound comes out as loud as speakers are; everything else is refused, and nothing hangs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest

from spaces.errors import RemoteError
from spaces.sounds import child, reading
from spaces.sounds.reading import SoundReader
from tests.harness.sound import level_db
from tests.harness.sound_files import CODECS, sound_file, tone

pytestmark = pytest.mark.thorough


async def refusal(data: bytes) -> str:
    with pytest.raises(RemoteError) as refused:
        await SoundReader().read_untrusted(data)
    assert refused.value.cause == "bad_sound"
    return refused.value.detail


@pytest.mark.parametrize("kind", CODECS)
def test_every_usual_kind_is_read(kind: str) -> None:
    """In this process: the child's own is met by the others."""
    samples = child.levelled(child.decode(sound_file(tone(1_000, 1.0, rate=44_100), kind, rate=44_100, channels=2)))
    assert len(samples) / 48_000 == pytest.approx(1.0, abs=0.06)
    assert level_db(samples[4_800:40_000].astype(np.float32) / np.float32(32_767), 1_000) > -20


def test_loudness_is_the_standards() -> None:
    """BS.1770-4: a 997 Hz tone of full scale on one channel is −3.01 LKFS."""
    assert child.loudness(tone(997, 3.0, 1.0).astype(np.float64)) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("amplitude", [0.01, 0.9])
async def test_soft_and_loud_come_out_as_loud_as_speakers(amplitude: float) -> None:
    samples = await SoundReader().read_untrusted(sound_file(tone(1_000, 0.5, amplitude)))
    assert child.loudness(samples.astype(np.float64)) == pytest.approx(child.TARGET_LUFS, abs=0.3)


def test_what_has_high_peaks_is_not_cut() -> None:
    clicks = np.zeros(48_000)
    clicks[::4_800] = 0.5
    samples = child.levelled(clicks)
    assert np.abs(samples).max() <= 0.9 * 32_767


HOSTILE = {
    "nothing": b"",
    "text": b"hello " * 1_000,
    "noise": np.random.default_rng(1).bytes(200_000),
    "a playlist of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a playlist of addresses": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n",
    "a broken WAV": sound_file(tone(440, 0.2))[:60],
    "a WAV that promises gigabytes": b"RIFF\xff\xff\xff\x7fWAVEfmt " + bytes(100),
    "silence": sound_file(np.zeros(48_000, np.float32)),
    "a blink": sound_file(tone(440, 0.005)),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_what_is_no_sound_is_refused_and_says_so(what: str) -> None:
    assert await refusal(HOSTILE[what])


async def test_what_is_too_long_is_refused_however_small_it_is() -> None:
    hour = sound_file(np.zeros(16 * 48_000, np.float32), "flac")
    assert len(hour) < 100_000
    assert "longer than 15 s" in await refusal(hour)


@pytest.mark.parametrize(
    "script",
    [
        "import time; time.sleep(60)",
        "import sys\nwhile True: sys.stdout.write('x' * 65536)",
        "import os; os.abort()",
        "",
    ],
)
async def test_a_reader_that_hangs_floods_or_dies_is_ended(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "child.py"
    broken.write_text(script)
    monkeypatch.setattr(reading, "CHILD", broken)
    monkeypatch.setattr(reading, "READING_SECONDS_MAX", 0.5)
    assert "limits" in await refusal(sound_file(tone(440, 0.2)))


async def test_a_reader_may_not_take_much_memory_write_files_or_start_others(tmp_path: Path) -> None:
    """The kernel's limits, as the child sets them for itself."""
    attempts = (
        "bytearray(2 << 30)",
        f"open({str(tmp_path / 'x')!r}, 'w')",
        "__import__('socket').socket()",
    )
    tries = "".join(f"try:\n {attempt}\n print('done')\nexcept Exception: print('refused')\n" for attempt in attempts)
    script = f"import runpy, socket\nm = runpy.run_path({str(reading.CHILD)!r})\nm['confine']()\n{tries}"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode().split() == ["refused"] * len(attempts)
