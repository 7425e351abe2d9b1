"""scikit-learn's estimators."""

import pickle

import numpy as np
import pytest

import kanrl

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402


@parametrize_with_checks([kanrl.KANRegressor(), kanrl.KANClassifier()])
def test_estimators_keep_scikit_learn_s_contract(estimator, check):
    check(estimator)


def test_a_regressor_finds_its_equation():
    sympy = pytest.importorskip("sympy")
    random = np.random.default_rng(0)
    X = random.uniform(-2, 2, size=(400, 2))
    y = 3 * np.sin(X[:, 0]) + X[:, 1] ** 2
    model = kanrl.KANRegressor(grid=8, functions=["x", "x^2", "sin"], random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9999
    x0, x1 = sympy.symbols("x0 x1", real=True)
    expression = model.sympy()
    difference = sympy.lambdify((x0, x1), expression - (3 * sympy.sin(x0) + x1**2))(X[:, 0], X[:, 1])
    assert np.abs(difference).max() < 1e-3
    assert list(model.equations_) == ["y"] and "sin" in model.equations_["y"]
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all() and again.equations_ == model.equations_


def test_several_outputs_and_names():
    pandas = pytest.importorskip("pandas")
    random = np.random.default_rng(0)
    X = pandas.DataFrame(random.uniform(-1, 1, size=(200, 2)), columns=["theta", "y0"])
    y = np.stack([X["theta"] ** 2, X["y0"]], axis=1)
    model = kanrl.KANRegressor(functions=["x", "x^2"]).fit(X, y)
    assert model.predict(X).shape == (200, 2)
    assert set(model.equations_) == {"y0_", "y1"} and "theta" in model.equations_["y0_"]


def test_a_classifier():
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 2))
    y = np.where(X[:, 0] ** 2 + X[:, 1] ** 2 < 1, "inside", "outside")
    model = kanrl.KANClassifier(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.97
    probabilities = model.predict_proba(X)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).mean() > 0.99
    assert set(model.equations_) == {"score0", "score1"}
