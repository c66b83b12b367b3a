"""khard, a real program for people, reads what came through the server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from e2e.vdir import PROGRAMS, Vdirsyncer, environment
from phone.database import card_bytes


def test_khard_lists_the_contacts_that_came_through_the_server(
    laptop: Vdirsyncer, desktop: Vdirsyncer, tmp_path: Path
) -> None:
    names = [f"Zoë Ångström {number}" for number in range(5)]
    for number, name in enumerate(names):
        laptop.add(f"p{number}", card_bytes(f"p{number}", name))
    laptop.sync()
    desktop.sync()
    config = tmp_path / "khard.conf"
    config.write_text(
        f"[addressbooks]\n[[mine]]\npath = {json.dumps(str(desktop.folder))}\n"
        "[general]\ndefault_action = list\n"
    )

    done = subprocess.run(
        [str(PROGRAMS / "khard"), "-c", str(config), "list"],
        capture_output=True, text=True, timeout=60, check=False, env=environment(tmp_path),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for name in names:
        assert name in done.stdout
