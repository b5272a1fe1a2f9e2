"""How good speech sounds behind bad networks, on the way in and on the way out, next to what the codec alone leaves of it.

Recorded speech goes through a real server: a speaker sends packets encoded beforehand, some of which his network loses; a
listener reports his loss and plays what he gets 120 ms behind the fastest packet. Beside it the same packets, lost by the
same seeds, decoded and encoded again without a server in between: two generations of Opus, as the audience has.
Needs the extra `bench`: see README.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np

from benchmarks.batches import PEOPLE_AT_ONCE, perform_all
from benchmarks.losses import NONE, Loss, pattern
from benchmarks.our_shapes import Spaces
from benchmarks.report import Grid, Report
from benchmarks.scenes import Heard, Scene, Speech
from benchmarks.voices import Loop, Voice, loop_of, scaled, some_voice, synthetic_voice
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from tests.harness.api import Api
from tests.harness.server import serving

if TYPE_CHECKING:
    from benchmarks.scores import Score

LOSSES = (NONE, Loss(5), Loss(10), Loss(20), Loss(5, bursts=True), Loss(10, bursts=True), Loss(20, bursts=True))
JITTER_SECONDS = 0.040
SENDERS = {"fec": 0, "red": 1}
"""RED copies that a sender adds to in-band FEC: none, or the one that browsers add."""
DOWNLINK_GOALS = {Loss(5): 4.1, Loss(10): 3.9, Loss(20): 3.4}
DOWNLINK_GOALS |= {Loss(5, bursts=True): 3.9, Loss(10, bursts=True): 3.4, Loss(20, bursts=True): 2.6}
JITTER_GOAL = 4.0
UPLINK_SHORTFALL_MAX = 0.1
"""PESQ that the server may cost."""

QUICK_LOSSES = (NONE, Loss(10), Loss(10, bursts=True))

TURNS_DB = (0.0, -10.0, -20.0)
RECORDED_LUFS = -16.0
"""The loudest of the three; the leveller brings speech to −18."""
TURN_SETTLING_SECONDS = 0.2
"""From one speaker to the next: what of the one before is still on its way."""
SPREAD_DB_MAX = 3.0
TONES = (220.0, 311.0, 407.0, 523.0, 661.0, 811.0, 1013.0, 1327.0, 1723.0, 2111.0)
TONE_BITRATE = 64_000
DISTORTION_DB_MAX = -24.0
WAYS = ("up", "down", "jitter", "jitter down")
SEEDS_WITHOUT_LOSS = 2
"""Nothing is drawn where nothing is lost: a second time shows what chance is left."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=8, metavar="N", help="of each condition, default 8")
    parser.add_argument("--quick", action="store_true", help="two seeds, fewer conditions: about two minutes")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="of the network, default all")
    parser.add_argument(
        "--at-once", type=int, default=PEOPLE_AT_ONCE, metavar="N", help="people at the same time, default %(default)s"
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: `way` is up, down, or jitter (on the way up) and jitter down."""

    way: str
    sender: str
    loss: Loss

    def __str__(self) -> str:
        if self.jitter:
            return f"{'down' if self.down else 'up'}, jitter 0 to {1e3 * JITTER_SECONDS:.0f} ms"
        return f"{self.way}, {self.loss}" + (f", {self.sender.upper()}" if self.way == "up" else "")

    @property
    def key(self) -> str:
        return f"{self.way}_{self.sender}_{self.loss.key}".replace(" ", "_")

    @property
    def down(self) -> bool:
        return self.way.endswith("down")

    @property
    def jitter(self) -> bool:
        return self.way.startswith("jitter")

    def scenes(self, seeds: int, loops: Mapping[int, Loop]) -> Iterator[Scene]:
        """A Space for each seed on the way up; on the way down one, with a listener for each seed."""
        clean, told = loops[0], loops[self.loss.percent]
        patterns = [pattern(self.loss, len(clean.packets), seed) for seed in self.seeds(seeds)]
        jitter = JITTER_SECONDS if self.jitter else 0.0
        if self.down:
            yield Scene(self.key, (Speech(clean),), tuple(patterns), jitter)
            return
        for seed, lost in zip(self.seeds(seeds), patterns, strict=True):
            speech = Speech(told, lost, jitter_seconds=jitter, copies=SENDERS[self.sender], seed=seed)
            yield Scene(f"{self.key}_{seed}".replace("_", "-"), (speech,))

    def alone(self, seeds: int, loops: Mapping[int, Loop]) -> Iterator[dict[str, Any]]:
        """The same without a server: arguments of scoring.TwoGenerations."""
        for seed in self.seeds(seeds):
            lost = pattern(self.loss, len(loops[0].packets), seed)
            if self.down:
                yield {"first": loops[0], "lost_down": lost, "loss_percent": self.loss.percent}
            else:
                yield {"first": loops[self.loss.percent], "lost_up": lost, "copies_up": SENDERS[self.sender]}

    def seeds(self, count: int) -> range:
        return range(count if self.loss.percent or self.jitter else min(count, SEEDS_WITHOUT_LOSS))


async def run(options: argparse.Namespace) -> Report:
    from benchmarks.scoring import Job, Scorer, TwoGenerations, mean  # the extra `bench`, which others need not have

    seeds = 2 if options.quick else options.seeds
    losses = QUICK_LOSSES if options.quick else LOSSES
    with tempfile.TemporaryDirectory() as name, Scorer() as scorer:
        folder = Path(name)
        voice, synthetic = some_voice(folder), synthetic_voice(folder)
        loops = {loss.percent: loop_of(voice.samples, loss_percent=loss.percent) for loss in losses}
        cases = [Case("up", sender, loss) for sender in SENDERS for loss in losses]
        cases += [Case("down", "fec", loss) for loss in losses]
        cases += [Case("jitter", "fec", NONE), Case("jitter down", "fec", NONE)]
        cases = [case for case in cases if case.way in options.ways]
        scenes = [scene for case in cases for scene in case.scenes(seeds, loops)]
        scenes += [turns_scene(voice), tones_scene(), Scene("espeak", (Speech(loop_of(synthetic.samples)),))]
        async with aiohttp.ClientSession() as http:
            with serving(folder) as server:
                stage = Spaces(Api(http, server.url))
                results, kept_up = await perform_all(stage, scenes, options.at_once, server.metrics)
        heard = {scene.name: result for scene, result in zip(scenes, results, strict=True)}
        found = {case: [one for scene in case.scenes(seeds, loops) for one in heard[scene.name]] for case in cases}
        scores = {c: await mean(scorer.heard([Job(voice.samples, h.samples) for h in found[c]])) for c in cases}
        alone = {
            case: await mean(scorer.without_server([TwoGenerations(**job) for job in case.alone(seeds, loops)]))
            for case in cases
        }
        spoken = await mean(scorer.heard([Job(synthetic.samples, one.samples) for one in heard["espeak"]]))
    report = Report("quality", shown=False)
    lateness = kept_up.lateness
    report.figures["tick_lateness_p99_milliseconds"] = None if lateness is None else 1e3 * lateness
    report.figures["speakers_lag_p99_milliseconds"] = 1e3 * kept_up.lag
    report.figures["batches_done_again"] = kept_up.again
    report.promises["the machine kept up: packets were sent, and ticks made, in time"] = kept_up.in_time
    report.figures |= {"seeds": seeds, "espeak_clean_pesq": spoken.pesq, "espeak_clean_stoi": spoken.stoi}
    _report_scores(report, scores, alone, f"{voice.source}, {seeds} seeds")
    redundant = [case.loss for case in cases if case.way == "down" and any(one.redundant for one in found[case])]
    report.figures["downlink_losses_answered_with_red"] = len(redundant)
    _report_turns(report, heard["turns"][0])
    _report_tones(report, heard["tones"][0])
    return report


def turns_scene(voice: Voice) -> Scene:
    """Three speakers who take turns, each with a third of the recording, equally loud but for TURNS_DB."""
    from benchmarks.scores import loudness

    thirds = np.array_split(voice.samples.reshape(-1, FRAME), len(TURNS_DB))
    speeches = []
    for number, (third, decibels) in enumerate(zip(thirds, TURNS_DB, strict=True)):
        said = third.reshape(-1)
        whole = np.zeros_like(voice.samples)
        begin = FRAME * sum(map(len, thirds[:number]))
        gain = RECORDED_LUFS + decibels - loudness(said)
        whole[begin : begin + len(said)] = scaled(Voice(voice.source, said), gain).samples
        speeches.append(Speech(loop_of(whole)))
    return Scene("turns", tuple(speeches))


def tones_scene() -> Scene:
    """Ten speakers, each a tone at full scale."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in TONES]
    return Scene("tones", tuple(Speech(loop_of(tone, bitrate=TONE_BITRATE)) for tone in tones))


def _report_scores(report: Report, scores: Mapping[Case, Score], alone: Mapping[Case, Score], what: str) -> None:
    rows: list[tuple[str | float, ...]] = []
    for case, score in scores.items():
        floor = alone[case]
        report.figures |= {f"{case.key}_pesq": score.pesq, f"{case.key}_stoi": score.stoi}
        report.figures |= {f"{case.key}_without_server_pesq": floor.pesq, f"{case.key}_without_server_stoi": floor.stoi}
        rows.append((str(case), score.pesq, floor.pesq, score.stoi, floor.stoi))
        if case.way == "up":
            report.goal_at_least(f"{case}: PESQ", score.pesq, at_least=round(floor.pesq - UPLINK_SHORTFALL_MAX, 2))
        elif case.jitter:
            report.goal_at_least(f"{case}: PESQ", score.pesq, at_least=JITTER_GOAL)
        elif case.loss in DOWNLINK_GOALS:
            report.goal_at_least(f"{case}: PESQ", score.pesq, at_least=DOWNLINK_GOALS[case.loss])
    columns = ("", "PESQ-WB", "without server", "STOI", "without server")
    report.grids.append(Grid(what, columns, tuple(rows)))


def _report_turns(report: Report, heard: Heard) -> None:
    from benchmarks.scores import loudness

    thirds = np.array_split(np.arange(round(heard.seconds * SAMPLE_RATE / FRAME)), len(TURNS_DB))
    levels = []
    for began, third in zip(heard.rounds, thirds, strict=True):
        start = began + float(third[0]) * FRAME / SAMPLE_RATE + TURN_SETTLING_SECONDS
        levels.append(loudness(heard.stretch(start, began + float(third[-1]) * FRAME / SAMPLE_RATE)))
    for decibels, level in zip(TURNS_DB, levels, strict=True):
        report.figures[f"speaker_recorded_at_{-decibels:.0f}_db_down_heard_lufs"] = level
    rows = tuple((f"{decibels:+.0f} dB", level) for decibels, level in zip(TURNS_DB, levels, strict=True))
    report.grids.append(Grid("three speakers in turn, recorded 10 dB apart", ("recorded at", "heard, LUFS"), rows))
    report.figures["loudness_spread_db"] = max(levels) - min(levels)
    report.goal("loudness spread of three speakers", max(levels) - min(levels), at_most=SPREAD_DB_MAX, unit="dB")


def _report_tones(report: Report, heard: Heard) -> None:
    from benchmarks.scores import clipped, distortion

    samples = heard.samples
    report.figures["full_scale_clipped_samples"] = clipped(samples)
    report.figures["full_scale_distortion_db"] = distortion(samples, TONES)
    report.goal("ten speakers at full scale: clipped samples", clipped(samples), at_most=0)
    report.goal("ten speakers at full scale: THD+N", distortion(samples, TONES), at_most=DISTORTION_DB_MAX, unit="dB")
