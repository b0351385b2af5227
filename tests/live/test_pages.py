"""What the pages of `exec`, `shell` and `net` tell a reader to type works, in a network where no other world is up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks_of

pytestmark = pytest.mark.usefixtures("namespaces")
BLOCKS = [
    block
    for name in ("exec", "shell", "net")
    for block in blocks_of(ROOT / "docs" / "commands" / f"{name}.md")
    if block.language in ("sh", "python")
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_works(block: Block, tmp_path: Path) -> None:
    for tool in ("ping", "unshare"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if "def test_" in block.text:
        (tmp_path / "test_page.py").write_text(block.text)
        inner = f"{sys.executable} -m pytest -q -p no:cacheprovider test_page.py"
    elif block.language == "python":
        (tmp_path / "page.py").write_text(block.text)
        inner = f"{sys.executable} page.py"
    else:
        inner = f'set -e; skyhaul() {{ "{sys.executable}" -m skyhaul "$@"; }}\n{block.text}'
    own_network = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--net"]
    done = subprocess.run(
        [*own_network, "sh", "-c", inner],
        cwd=tmp_path,
        input="exit\n",
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "ping" in block.text and block.language == "sh":
        assert " 0% packet loss" in done.stdout
