"""A time limit is kept by us: real processes, real overruns, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pulp
import pytest
from optimization.instances import (
    Ender,
    Sleeper,
    Unsendable,
    country,
    knapsacks,
)

import siteselect as ss
from siteselect.optimization import deadline, highs, pulp_model

#: Seconds that the fake solvers below would take.
LONG_S = 60.0


@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("solver", [Sleeper(), Unsendable()])
def test_a_solver_that_never_returns_costs_no_plan(
    solver: pulp.LpSolver, method: str
) -> None:
    sites, program = country(1000, 1)
    start = time.perf_counter()
    plan = ss.optimize_sites(
        sites, **program, solver=solver, method=method, time_limit_s=3
    )
    assert time.perf_counter() - start < LONG_S / 2
    plan.verify()
    assert plan.status == "feasible"
    assert np.isfinite(plan.gap)
    assert plan.gap > 0
    assert any("did not stop at the time limit" in note for note in plan.notes)


@pytest.mark.parametrize("n", [500, 700])
def test_highs_that_overruns_is_ended_and_its_plan_kept(
    monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    # HiGHS is told a limit far beyond ours, as if it did not look at the clock.
    monkeypatch.setattr(deadline, "TOLD_SHARE", 1e6)
    program = knapsacks(n)
    begin = time.perf_counter()
    with deadline.watching(4.0, begin):
        found = highs.solve_mip(**program, gap=0.0)
    assert time.perf_counter() - begin < LONG_S / 2
    assert found.status == "feasible"
    assert found.x is not None
    assert (program["matrix"] @ found.x <= program["row_upper"] + 1e-6).all()
    assert found.objective == pytest.approx(program["objective"] @ found.x)
    relaxed = highs.solve_lp(
        *(program[k] for k in list(program) if k != "integrality")
    ).objective
    # The bound came through too, and it is one.
    assert found.objective <= found.bound <= relaxed * (1 + 1e-9)


def test_our_own_plan_is_never_lost() -> None:
    program = knapsacks()
    start = np.zeros(700)
    start[:20] = 1.0
    with deadline.watching(0.0, time.perf_counter()):
        found = highs.solve_mip(**program, start=start)
    assert found.status == "feasible"
    assert np.array_equal(found.x, start)
    # A start that is no plan is none.
    with deadline.watching(0.0, time.perf_counter()):
        found = highs.solve_mip(**program, start=np.ones(700))
    assert found.status == "unknown"
    assert found.x is None


def test_a_start_is_where_the_search_begins() -> None:
    sites, program = country(300)
    best = ss.optimize_sites(sites, **program, gap=0.0, method="full")
    assert best.compiled is not None
    rows = best.compiled.full_rows()
    for limit in (None, 5.0):
        with deadline.watching(limit, time.perf_counter()):
            found, _ = pulp_model.solve(
                best.compiled.problem, rows, start=best.x, gap=1.0
            )
        # Gap 1 accepts any plan: nothing is better than the one it was given.
        assert found.objective == pytest.approx(best.objective)


def test_a_solver_that_dies_takes_nothing_with_it() -> None:
    sites, program = country(1000, 1)
    plan = ss.optimize_sites(
        sites, **program, solver=Ender(), method="priceout", time_limit_s=20
    )
    plan.verify()
    assert plan.status == "feasible"
    assert any("ended without an answer" in note for note in plan.notes)


def test_a_failing_solver_is_told_from_a_slow_one() -> None:
    sites, program = country(300)
    with pytest.raises(ss.SolverError, match="xpress"):
        ss.optimize_sites(sites, **program, solver="xpress", time_limit_s=5)


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_no_plan_in_time_is_said(method: str) -> None:
    sites, _ = country(40)
    rng = np.random.default_rng(0)
    sites["cost_usd_per_mw"] = rng.uniform(8e6, 14e6, 40)
    # Fractions of sites meet an exact cost, whole ones do not.
    exact = ss.Limit("exact", per_mw="cost_usd_per_mw", at_least=5e9, at_most=5e9)
    with pytest.raises(ss.SolverError, match="time limit"):
        ss.optimize_sites(
            sites,
            site_mw=[100],
            limits=[exact],
            solver=Sleeper(),
            time_limit_s=2,
            method=method,
        )


def test_infeasible_needs_time_for_the_second_route(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sites, _ = country(300)
    lie = highs.MipResult("infeasible", -np.inf, -np.inf, None)

    def slow_lie(*args: Any, **kwargs: Any) -> Any:
        time.sleep(1.5)
        return lie, "liar"

    monkeypatch.setattr(pulp_model, "solve", slow_lie)
    exact = ss.Limit("exact", per_mw="cost_usd_per_mw", at_least=1e10, at_most=1e10)
    with pytest.raises(ss.SolverError, match=r"claimed.*not confirmed"):
        ss.optimize_sites(
            sites, site_mw=[100], limits=[exact], method="full", time_limit_s=1
        )


def test_infeasible_in_time_is_infeasible() -> None:
    sites, _ = country(1000)
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(sites, power_mw=(1e7, None), site_mw=[100], time_limit_s=60)
    assert "power" in caught.value.conflicts


@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_a_time_limit_that_suffices_changes_nothing(method: str, solver: str) -> None:
    sites, program = country(700, 4)
    free = ss.optimize_sites(sites, **program, method=method, solver=solver)
    held = ss.optimize_sites(
        sites, **program, method=method, solver=solver, time_limit_s=120
    )
    assert held.status == "optimal"
    assert held.objective == pytest.approx(free.objective, rel=1e-4)


SCRIPT = """
import time
import siteselect as ss
from optimization.instances import Sleeper, country

sites, program = country(1000, 1)
plan = ss.optimize_sites(
    sites, **program, solver=Sleeper(), method="priceout", time_limit_s=3
)
plan.verify()
print(plan.status)
"""


def run_script(text: str, folder: Path) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    paths = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    process = run_script(SCRIPT, tmp_path)
    out, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 0
    # Once: the script is not run again by the solver's process.
    assert out.split() == ["feasible"]


INTERRUPTED = """
import signal
import time

# A shell starts what runs in its background deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
import siteselect as ss
from siteselect.optimization import highs
from optimization.instances import knapsacks
from siteselect.optimization import deadline

with deadline.watching({limit}, time.perf_counter()) as watch:
    print("ready", flush=True)
    found = highs.solve_mip(**knapsacks({n}), gap=0.0)
print(found.status, watch.is_stopped, found.x is not None, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX")
@pytest.mark.parametrize(("limit", "n"), [(None, 700), (LONG_S, 700), (LONG_S, 500)])
def test_ctrl_c_keeps_the_best_plan(
    tmp_path: Path, limit: float | None, n: int
) -> None:
    process = run_script(INTERRUPTED.format(limit=limit, n=n), tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LONG_S / 2)
    assert out.split() == ["feasible", "True", "True"]


def test_ctrl_c_returns_the_plan_in_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sites, program = country(1000, 1)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(pulp_model, "solve_program", interrupted)
    monkeypatch.setattr(highs, "THREAD_COLUMNS", 10**9)  # in this process
    # Under a time limit there is a plan in hand before a solver starts.
    plan = ss.optimize_sites(sites, **program, method="full", time_limit_s=60)
    plan.verify()
    assert plan.status == "feasible"
    assert any("Ctrl-C" in note for note in plan.notes)
    # Nothing in hand: Ctrl-C is Ctrl-C.
    with pytest.raises(KeyboardInterrupt):
        ss.optimize_sites(sites, **program, method="full")


@pytest.mark.skipif(os.name == "nt", reason="process groups are those of POSIX")
def test_the_solvers_process_ends_with_us(tmp_path: Path) -> None:
    text = """
    import os, signal
    from siteselect.optimization.deadline import Worker
    print(Worker.start().process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    process = run_script(text, tmp_path)
    out, _ = process.communicate(timeout=LONG_S)
    pid = int(out)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().split()[2] == "Z":
            break  # ended, and nobody has asked how
        time.sleep(0.2)
    else:
        pytest.fail("the process of the solver outlived the one that asked")
