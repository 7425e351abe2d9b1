"""One policy type, with Stable-Baselines3's contract."""

import copy
import pickle

import numpy as np
import pytest

import kanrl


@pytest.fixture(scope="module")
def formula():
    return kanrl.policy("formula:3*theta + theta_dot", "CartPole-v1")


def test_one_observation_and_a_batch(formula):
    one, state = formula.predict(np.array([0.0, 0.0, 0.1, -0.2], dtype=np.float32), deterministic=True)
    assert one.shape == () and one.dtype == np.int64 and one == 1 and state is None
    batch, state = formula.predict(np.array([[0, 0, 0.1, -0.2], [0, 0, -0.1, 0.2]]), state="kept")
    assert batch.tolist() == [1, 0] and batch.dtype == np.int64 and state == "kept"
    assert formula.predict([0, 0, 1, 0])[0] == 1
    none, _ = formula.predict(np.zeros((0, 4)))
    assert none.shape == (0,)


def test_arrays_that_are_not_contiguous(formula):
    wide = np.random.default_rng(0).normal(size=(10, 8))
    expected, _ = formula.predict(wide[:, ::2].copy())
    for view in (wide[:, ::2], np.asfortranarray(wide[:, ::2]), wide[:, ::2].astype(np.float64).T.copy().T):
        assert (formula.predict(view)[0] == expected).all()


def test_vectors_are_clipped_float32():
    policy = kanrl.policy("formula:100*theta_dot", "Pendulum-v1")
    one, _ = policy.predict(np.array([1.0, 0.0, 5.0]))
    assert one.shape == (1,) and one.dtype == np.float32 and one[0] == 2.0
    batch, _ = policy.predict(np.array([[1, 0, 0.01], [1, 0, -5]]))
    assert batch.shape == (2, 1) and batch.ravel().tolist() == [1.0, -2.0]
    assert policy.scores(np.array([1.0, 0.0, 5.0])).tolist() == [500.0]
    assert policy.action_bounds == [(-2.0, 2.0)] and policy.discrete_actions is None


def test_wrong_observations_are_named(formula):
    with pytest.raises(kanrl.InputError, match=r"shape \[3\], expected \[4\] or \[rows, 4\]"):
        formula.predict(np.zeros(3))
    with pytest.raises(kanrl.InputError, match="`theta` is NaN in observation 1"):
        formula.predict(np.array([[0.0] * 4, [0, 0, np.nan, 0]]))
    with pytest.raises(ValueError):
        formula.predict("nothing like numbers")


def test_constants_have_names(formula):
    assert formula.constants == {"k1": 3.0}
    other = formula.with_constants(k1=0.5)
    assert other.constants == {"k1": 0.5} and formula.constants == {"k1": 3.0}
    with pytest.raises(kanrl.InputError, match="no constant is named `k2`"):
        formula.with_constants(k2=1.0)


def test_exports(formula):
    assert "policy_action" in formula.to("c") and "np." in formula.to("python")
    assert r"\theta" in formula.latex() and formula._repr_latex_().startswith("$")
    assert "<math" in formula._repr_html_()
    assert "3*theta + theta_dot" in str(formula) and "3*theta" in repr(formula)
    assert formula.operations == 2
    with pytest.raises(kanrl.InputError, match="did you mean `latex`"):
        formula.to("latx")


def test_the_exported_module_acts_the_same(formula):
    module = {}
    exec(formula.to("python"), module)
    states = np.random.default_rng(1).normal(size=(1000, 4))
    assert (module["action"](states) == formula.predict(states)[0]).all()


def test_sympy(formula):
    sympy = pytest.importorskip("sympy")
    (expression,) = formula.sympy().values()
    theta, theta_dot = sympy.symbols("theta theta_dot", real=True)
    assert sympy.simplify(expression - (3 * theta + theta_dot)) == 0


def test_pickle_and_copies(formula):
    expert = kanrl.policy("bundled", "CartPole-v1")
    states = np.random.default_rng(2).normal(size=(100, 4))
    for policy in (formula, expert):
        for other in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy), copy.copy(policy)):
            assert (other.predict(states)[0] == policy.predict(states)[0]).all()
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert formula != expert


def test_a_policy_that_is_not_a_formula_says_so():
    expert = kanrl.policy("bundled:CartPole-v1")
    assert not expert.is_formula and expert.score_kind == "logits"
    with pytest.raises(kanrl.InputError, match="is not a formula"):
        expert.latex()
    with pytest.raises(kanrl.InputError, match="expected bundled"):
        kanrl.policy("nothing")


def test_evaluate_and_compare(formula):
    result = kanrl.evaluate(formula, "CartPole-v1", episodes=20, seed=7)
    assert result.episodes == 20 and result.returns.shape == (20,) and result.mean == result.returns.mean()
    again = kanrl.evaluate("formula:3*theta + theta_dot", "CartPole-v1", episodes=20, seed=7)
    assert (again.returns == result.returns).all()
    comparison = kanrl.compare("bundled", formula, "CartPole-v1", episodes=20, seed=7)
    assert (comparison.second.returns == result.returns).all()
    assert (comparison.differences == comparison.second.returns - comparison.first.returns).all()
    assert 0.0 <= comparison.fidelity_own_states <= 1.0
    same = kanrl.compare(formula, formula, "CartPole-v1", episodes=5)
    assert same.fidelity_own_states == 1.0 and same.mean_difference == 0.0
    assert "worst 5 %" in str(same.table)
    with pytest.raises(kanrl.InputError, match="did you mean `CartPole-v1`"):
        kanrl.evaluate(formula, "CartPole-v2")
