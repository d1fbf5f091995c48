"""How long a proved kiosk plan takes, beside HiGHS on the plain compact model.

By hand, in CPU seconds:
``pytest tests/benchmarks/test_siting_speed.py -s --benchmark-enable --benchmark-timer=time.process_time``
"""

import highspy
import numpy as np
import pytest
from scipy import sparse
from scipy.spatial import cKDTree

from sweepplan.judging.kiosks import judge_kiosks
from sweepplan.model import KioskProblem
from sweepplan.siting import solve_kiosks
from sweepplan.siting.core import core_of
from sweepplan.siting.local import greedy
from sweepplan.siting.side import side_of


@pytest.fixture(
    scope="module", params=[(200.0, 11), (200.0, 25), (400.0, 11)], ids=["200m-k11", "200m-k25", "400m-k11"]
)
def made_up_city(request):
    """10,000 demand points on 25 km2, most around 60 centres, heavy-tailed weights; 1,000 sites where points are."""
    reach_m, k = request.param
    rng = np.random.default_rng(1)
    centres = rng.uniform(0, 5000, (60, 2))
    near_one = centres[rng.integers(0, 60, 10_000)] + rng.normal(0, 250, (10_000, 2))
    points = np.where(rng.random((10_000, 1)) < 0.6, near_one, rng.uniform(0, 5000, (10_000, 2)))
    sites = points[rng.choice(10_000, 1000, replace=False)] + rng.normal(0, 20, (1000, 2))
    demand = np.minimum(rng.zipf(2, 10_000), 200).astype(np.float64)
    pairs = cKDTree(points).sparse_distance_matrix(cKDTree(sites), reach_m, output_type="coo_matrix")
    return KioskProblem(demand, 1000, pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data, reach_m, k)


def plain_highs(problem):
    n, m = problem.demand.size, problem.n_sites
    reach = sparse.coo_array((np.ones(problem.walk_m.size), (problem.pair_demand, problem.pair_site)), shape=(n, m))
    rows = sparse.vstack(
        [sparse.hstack([-reach, sparse.eye_array(n)]), np.r_[np.ones(m), np.zeros(n)][np.newaxis]], format="csr"
    )
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = m + n, n + 1
    model.col_cost_ = np.r_[np.zeros(m), -problem.demand]
    model.col_lower_, model.col_upper_ = np.zeros(m + n), np.ones(m + n)
    model.row_lower_, model.row_upper_ = np.full(n + 1, -highspy.kHighsInf), np.r_[np.zeros(n), problem.k]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    model.integrality_ = [highspy.HighsVarType.kInteger] * m + [highspy.HighsVarType.kContinuous] * n
    solver = highspy.Highs()
    for option, value in {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 0.999}.items():
        solver.setOptionValue(option, value)
    solver.passModel(model)
    solver.run()
    return -solver.getInfo().objective_function_value


@pytest.mark.benchmark(group="siting")
def test_sweepplan(benchmark, made_up_city):
    plan = benchmark.pedantic(solve_kiosks, (made_up_city,), rounds=3)
    judged = judge_kiosks(made_up_city, plan)
    core = core_of(made_up_city)
    greedily = core.value(greedy(core, side_of(made_up_city, core)))
    benchmark.extra_info["covered"] = judged.covered
    benchmark.extra_info["greedy"] = made_up_city.demand.sum() - core.base - greedily
    benchmark.extra_info["proof"] = judged.proof
    print(benchmark.extra_info)  # noqa: T201 - pytest -s shows how far greedy stays behind
    assert judged.gap == 0


@pytest.mark.benchmark(group="siting")
def test_highs_on_the_plain_model(benchmark, made_up_city):
    covered = benchmark.pedantic(plain_highs, (made_up_city,), rounds=1)
    assert covered == pytest.approx(solve_kiosks(made_up_city).bound, abs=1e-3)
