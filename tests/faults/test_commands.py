"""Any study file and any words at the command: a message and a code, no traceback."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import random
import re
import signal
from collections import Counter

import pytest
from click.testing import Result
from hostile import has_four_parts
from hypothesis import given
from hypothesis import strategies as st
from strategies import EXAMPLES, SOAK, examples
from study import worlds
from typer.testing import CliRunner

import siteselect as ss
from faults.mutations import TEXTS, VALUES, places, some_bytes, some_text
from siteselect import cli
from siteselect.study.template import new_study

RUN = CliRunner()
#: What the help says that a command may end with.
CODES = {int(code) for code in re.findall(r"\b(\d+) [a-z]", cli._EPILOG)}
DRAWN: Counter[str] = Counter()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a study, a written plan, and files of other kinds."""
    place = worlds.folder(tmp_path_factory.mktemp("study"))
    with pytest.MonkeyPatch.context() as patch:
        # Layers are read for each study anew; here one reading will do.
        patch.setattr(ss.datasets, "load", functools.cache(ss.datasets.load))
        done = RUN.invoke(
            cli.app,
            ["run", str(place / "simple.toml"), "--out", str(place / "out"), "-q"],
        )
        assert done.exit_code == 0, done.output
        new_study(place / "new.toml")
        (place / "empty.toml").write_text("")
        (place / "bytes.toml").write_bytes(bytes(range(256)))
        yield place


def judged(done: Result) -> int:
    """Return the code; refuse a traceback, another code, or no message."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise AssertionError(done.output) from done.exception
    assert done.exit_code in CODES, done.output
    said = done.output
    assert "Traceback" not in said
    # No byte of what was read may act on the terminal. Of a wrong call, the library
    # for it repeats the user's own words.
    steers = re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", said)
    assert done.exit_code == cli.USAGE or not steers, said
    if done.exit_code == cli.MISTAKE and '"ok": false' not in said:
        assert len(re.findall(r"^\w+Error: ", said, re.M)) == 1, said
    return done.exit_code


def called(*arguments: str) -> int:
    code = judged(RUN.invoke(cli.app, [str(a) for a in arguments]))
    DRAWN["commands"] += 1
    return code


# ------------------------------------------------------------------ study files


@contextlib.contextmanager
def refused_or_taken():
    """Let an error of ours pass, if each of its mistakes has four parts."""
    try:
        yield
    except ss.SiteSelectError as error:
        for mistake in getattr(error, "mistakes", ()) or (str(error),):
            assert has_four_parts(mistake), mistake


def changed_study(rng: random.Random) -> bytes:
    """Return a study file with a change in its text or in a value."""
    content = worlds.SIMPLE.encode()
    match rng.randrange(3):
        case 0:
            return some_text(rng, content)
        case 1:
            return some_bytes(rng, content)
        case _:
            lines = content.decode().splitlines()
            at = rng.randrange(len(lines))
            told = rng.choice((*TEXTS, *VALUES))
            key = lines[at].partition("=")[0] or "x "
            lines[at] = f"{key}= {toml_of(told)}"
            return "\n".join(lines).encode("utf-8", "replace")


def toml_of(value: object) -> str:
    """Write a value as TOML would, as far as it can."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return {math.inf: "inf"}.get(value, "nan" if value != value else repr(value))
    if isinstance(value, int) and value > 2**63:
        return "1" + "0" * 400
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {toml_of(v)}' for k, v in value.items()) + "}"
    return json.dumps(value)


def read_changed(folder, rng) -> None:
    path = folder / "changed.toml"
    path.write_bytes(changed_study(rng))
    with refused_or_taken():
        ss.Study.read(path)
    DRAWN["study files"] += 1


def _records(folder, many):
    """Change a study as values, and read it from there."""
    record = ss.Study.read(folder / "simple.toml").to_dict()
    ways = places(record)

    @examples(many)
    @given(
        way=st.sampled_from(ways),
        value=st.one_of(
            st.sampled_from(VALUES),
            st.sampled_from(TEXTS),
            st.text(max_size=9),
            st.floats(),
            st.integers(),
            st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        ),
    )
    def check(way, value):
        changed = json.loads(json.dumps(record))
        holder = changed
        for step in way[:-1]:
            holder = holder[step]
        holder[way[-1]] = value
        with refused_or_taken():
            ss.Study.from_dict(changed, folder=folder)
        DRAWN["records"] += 1

    check()


def test_any_value_in_a_study_is_taken_or_refused(folder):
    _records(folder, 25)


@pytest.mark.soak
def test_thousands_of_values_in_a_study_are_taken_or_refused(folder):
    _records(folder, 1000 * SOAK)
    for k in range(1000 * SOAK):
        read_changed(folder, random.Random(k))
    assert DRAWN["records"] >= 1000 * EXAMPLES
    assert DRAWN["study files"] >= 1000


def test_a_study_has_a_name_that_a_file_can_have(folder):
    assert called("new", "x" * 5000) == cli.MISTAKE
    assert called("new", "x" * 5000, "--force") == cli.MISTAKE


@pytest.mark.parametrize("k", range(8))
def test_a_changed_study_file_is_checked_with_a_code(folder, k):
    path = folder / "changed.toml"
    path.write_bytes(changed_study(random.Random(-k)))
    called("check", path)


# ---------------------------------------------------------------------- commands

#: What a command runs in earnest is tested elsewhere; here it has no time.
COMMANDS = (
    "run", "check", "verify", "report", "new", "doctor", "layers", "parameters",
    "score", "demo", "version", "", "rum", "--help", "--version",
)  # fmt: skip
OPTIONS = (
    "--out", "--json", "--quiet", "-q", "--folder", "--force", "--spacing-km",
    "--resolves", "--help", "--", "-x", "--no-such",
)  # fmt: skip


def words(folder) -> st.SearchStrategy[list[str]]:
    """Draw a command with options and paths that are right, wrong or odd."""
    files = [str(folder / name) for name in (
        "empty.toml", "bytes.toml", "parcels.csv", "gone.toml", "", "out/plan.json/x",
    )]  # fmt: skip
    odd = st.one_of(
        st.sampled_from(files),
        st.sampled_from([t for t in TEXTS if len(t) < 9]),
        st.text(max_size=5),
        st.sampled_from(["-1", "0", "1e9", "nan", "x" * 5000]),
    )
    more = st.lists(st.one_of(st.sampled_from(OPTIONS), odd), max_size=4)
    return st.builds(lambda one, rest: [one, *rest], st.sampled_from(COMMANDS), more)


def _commands(folder, many, monkeypatch):
    monkeypatch.chdir(folder / "scratch")
    # Answers that do not depend on the words are worked out once.
    from siteselect.study import doctor

    monkeypatch.setattr(doctor, "examine", functools.cache(doctor.examine))

    def small(*arguments, **options):
        raise ss.StudyError("The demo was asked for. It runs. It is left out. Go on.")

    monkeypatch.setattr(ss, "bundled_study", small)

    @examples(many)
    @given(line=words(folder))
    def check(line):
        called(*line)
        DRAWN["lines"] += 1

    check()


def test_any_words_end_with_a_code_and_a_message(folder, monkeypatch):
    (folder / "scratch").mkdir(exist_ok=True)
    _commands(folder, 30, monkeypatch)


@pytest.mark.soak
def test_thousands_of_words_end_with_a_code_and_a_message(folder, monkeypatch):
    (folder / "scratch").mkdir(exist_ok=True)
    _commands(folder, 1500 * SOAK, monkeypatch)
    assert DRAWN["lines"] >= 1500 * EXAMPLES


def test_every_code_of_the_help_is_one_of_the_command():
    assert {
        cli.DONE, cli.MISTAKE, cli.USAGE, cli.INFEASIBLE, cli.SOLVER, cli.CHANGED,
        cli.MISSING, cli.INTERRUPTED, 128 + signal.SIGTERM,
    } == CODES  # fmt: skip
