"""Completion at a real shell: the script that the command prints, sourced and asked."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("siteselect")
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="shells of POSIX"),
    pytest.mark.skipif(not COMMAND.exists(), reason="needs the installed command"),
]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    "TERM": "dumb",
}
ASK = """
set -u
source <(siteselect --show-completion bash)
read -ra COMP_WORDS <<< "$1"
if [[ $1 == *' ' ]]; then COMP_WORDS+=(''); fi
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
[[ $(complete -p siteselect) =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" siteselect
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_and_options(tmp_path):
    for typed, wanted in {
        "siteselect ver": {"verify", "version"},
        "siteselect verify --f": {"--folder"},
        "siteselect run study.toml --o": {"--out"},
        # A file name is left to the shell.
        "siteselect run stu": set(),
    }.items():
        done = subprocess.run(
            ["bash", "--norc", "-c", ASK, "bash", typed],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=ENVIRONMENT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) == wanted, typed


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_completes_what_is_typed(tmp_path):
    start = "autoload -Uz compinit; compinit -u\n"
    start += "source <(siteselect --show-completion zsh)\n"
    (tmp_path / ".zshrc").write_text(start)
    about = {**ENVIRONMENT, "ZDOTDIR": str(tmp_path), "HOME": str(tmp_path)}
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=about,
        cwd=tmp_path,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        # Typed, completed, and then printed in place of run.
        os.write(ours, b"siteselect verif\t\x01print -r -- \n")
        os.write(ours, b"exit\n")
        seen = b""
        while part := _read(ours):
            seen += part
        shell.wait(timeout=30)
    finally:
        shell.kill()
        os.close(ours)
    lines = [line.strip() for line in seen.decode("utf-8", "replace").splitlines()]
    assert "siteselect verify" in lines, lines


def _read(ours: int) -> bytes:
    try:
        return os.read(ours, 4096)
    except OSError:  # The shell has gone.
        return b""
