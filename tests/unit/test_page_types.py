"""The types of the page and of the SDK, which are JSDoc: TypeScript's own checker, as strict as it is, has nothing to say."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from spaces.signaling.web_files import WEB, without_comments
from tests.harness.needs import TSC

pytestmark = pytest.mark.needs("typescript")

PROJECT = TSC.parents[2]
EMBEDDER = """
import { MicrophoneError, SpaceClient } from "./client.js";
const client = new SpaceClient({ space: "4fJ2k", token: async () => "token" });
client.on("sound", ({ after }) => after.toFixed(1));
client.on("speaking", (levels) => Object.values(levels).map((level) => level - 1));
export const wait = async () => { await client.join(); await client.listen(); return (await client.stats())?.roundTrip; };
export const wrong = (/** @type {unknown} */ error) => error instanceof MicrophoneError ? error.code : null;
"""
MISTAKES = (
    'client.on("sounds", () => {});',
    'client.on("sound", (milliseconds) => milliseconds.toFixed(1));',
    "new SpaceClient({ token: null });",
    'client.invite("17", "host");',
    "client.volume = null;",
)


def checked(folder: Path) -> list[str]:
    """What is wrong in a folder of scripts."""
    options = folder / "tsconfig.json"
    options.write_text(f'{{"extends": "{PROJECT}/tsconfig.json", "include": ["{folder}/*.js"]}}')
    done = subprocess.run([TSC, "--project", options], capture_output=True, text=True, timeout=100)
    return [line for line in done.stdout.splitlines() if "error TS" in line]


def test_nothing_in_the_page_is_of_a_wrong_type() -> None:
    done = subprocess.run([TSC, "--project", PROJECT / "tsconfig.json"], capture_output=True, text=True, timeout=100)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.thorough
def test_a_script_without_its_comments_is_the_same_script(tmp_path: Path) -> None:
    for name, change in (("whole", str), ("sent", without_comments)):
        folder = tmp_path / name
        folder.mkdir()
        for path in WEB.glob("*.js"):
            text = change(path.read_text())
            assert text.count("\n") == path.read_text().count("\n"), "lines keep their numbers"
            (folder / path.name).write_text(text)
    options = {"allowJs": True, "removeComments": True, "target": "esnext", "module": "esnext", "noCheck": True}
    folders = {"rootDir": str(tmp_path), "outDir": str(tmp_path / "made")}
    project = {"compilerOptions": options | folders, "include": [f"{tmp_path}/*/*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project))
    subprocess.run([TSC, "--project", tmp_path / "tsconfig.json"], check=True, timeout=100)
    whole, sent = (
        {path.name: path.read_text() for path in (tmp_path / "made" / name).glob("*.js")} for name in ("whole", "sent")
    )
    assert whole.keys() == {path.name for path in WEB.glob("*.js")}
    assert whole == sent


@pytest.mark.thorough
def test_whoever_embeds_is_told_of_mistakes(tmp_path: Path) -> None:
    shutil.copytree(WEB, tmp_path, dirs_exist_ok=True)
    (tmp_path / "embedder.js").write_text(EMBEDDER)
    (tmp_path / "mistaken.js").write_text("\n".join([EMBEDDER, *MISTAKES]))
    found = [line.partition(":")[0] for line in checked(tmp_path)]
    first = EMBEDDER.count("\n") + 2
    assert [where.rpartition("/")[2].partition(",")[0] for where in found] == [
        f"mistaken.js({first + n}" for n in range(len(MISTAKES))
    ]
