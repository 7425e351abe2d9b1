"""`kanrl.KAN`: pykan's introductory example, and the parts it is made of."""

import copy
import pickle

import numpy as np
import pytest

import kanrl


def f(x):
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


@pytest.fixture(scope="module")
def trained():
    dataset = kanrl.create_dataset(f, n_var=2)
    model = kanrl.KAN(width=[2, 5, 1], grid=5, k=3, seed=0)
    results = model.fit(dataset, opt="LBFGS", steps=50, lamb=1e-3)
    return model, dataset, results


def test_the_introductory_example_finds_its_formula(trained):
    sympy = pytest.importorskip("sympy")
    model, dataset, results = trained
    assert results["train_loss"].shape == (50,) and results["test_loss"][-1] < 0.1
    model = model.prune()
    model.fit(dataset, opt="LBFGS", steps=50)
    model.auto_symbolic(lib=["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"])
    results = model.fit(dataset, opt="LBFGS", steps=50)
    assert results["test_loss"][-1] < 1e-4
    (formula,), (x, y) = model.symbolic_formula(var=["x", "y"])
    right = sympy.exp(sympy.sin(sympy.pi * x) + y**2)
    points = np.random.default_rng(1).uniform(-1, 1, size=(200, 2))
    own, wanted = (sympy.lambdify((x, y), expression, "numpy")(*points.T) for expression in (formula, right))
    assert np.abs(own - wanted).max() < 1e-3
    kinds = {type(part) for part in sympy.preorder_traversal(formula)}
    assert sympy.exp in kinds and (sympy.sin in kinds or sympy.cos in kinds)
    assert formula.count_ops() < 20
    assert kanrl.ex_round(formula, 4).count_ops() <= formula.count_ops()
    assert "exp" in model.formula().to("c")


def test_copies_and_pickles_predict_the_same(trained):
    model, dataset, _ = trained
    x = dataset["test_input"]
    named = kanrl.KAN(width=[2, 1], seed=0)
    named.fit(kanrl.create_dataset(lambda x: x[:, [0]] + np.sin(x[:, [1]])), steps=20)
    named.auto_symbolic(lib=["x", "sin"], verbose=0)
    for network in (model, model.prune(), named):
        for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), network.copy()):
            assert (other(x) == network(x)).all()


def test_checkpoints(trained, tmp_path):
    model, dataset, _ = trained
    model.saveckpt(tmp_path / "model")
    assert (kanrl.KAN.loadckpt(tmp_path / "model")(dataset["test_input"]) == model(dataset["test_input"])).all()


def test_the_same_seed_gives_the_same_network():
    dataset = kanrl.create_dataset(f, n_var=2, train_num=200)
    results = []
    for _ in range(2):
        model = kanrl.KAN(width=[2, 3, 1], grid=5, k=3, seed=3)
        model.fit(dataset, steps=10)
        results.append(model(dataset["test_input"]))
    assert (results[0] == results[1]).all()


def test_parts(trained):
    model, dataset, _ = trained
    assert model.width == [2, 5, 1] and len(model.edges) == 15
    assert model.feature_score.shape == (2,) and (model.feature_score > 0).all()
    pruned = model.prune()
    assert len(pruned.edges) < 15 and model.width == [2, 5, 1]
    (layer, source), (_, target), name, importance = pruned.edges[0]
    assert name is None and importance > 0
    best = pruned.suggest_symbolic(layer, source, target, verbose=False)
    assert 0.9 < best[2] <= 1.0
    r2 = pruned.fix_symbolic(layer, source, target, best[0], verbose=False)
    assert r2 > 0.9 and pruned.edges[0][2] == best[0]
    assert "<svg" in model.plot()._repr_svg_()
    refined = model.refine(10)
    assert np.abs(refined(dataset["test_input"]) - model(dataset["test_input"])).mean() < 0.05


def test_multiplication_nodes():
    dataset = kanrl.create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2)
    model = kanrl.KAN(width=[2, [1, 1], 1], seed=0)
    results = model.fit(dataset, steps=30)
    assert results["train_loss"][-1] < 1e-2


def test_what_does_not_fit_is_named():
    with pytest.raises(kanrl.InputError, match="no `grd`"):
        kanrl.KAN(width=[2, 1], grd=3)
    with pytest.raises(kanrl.InputError, match="no layer"):
        kanrl.KAN(width=[2])
    model = kanrl.KAN(width=[2, 1])
    with pytest.raises(kanrl.InputError, match="has not been trained"):
        model.prune()
    with pytest.raises(kanrl.InputError, match=r"shape \[5, 3\], expected \[rows, 2\]"):
        model(np.zeros((5, 3)))
    data = {"train_input": np.array([[np.nan, 0.0]]), "train_label": np.array([[1.0]])}
    with pytest.raises(kanrl.RunError, match="input 0 of training row 0 is NaN"):
        model.fit(data)
    good = kanrl.create_dataset(lambda x: x[:, [0]], n_var=2, train_num=50)
    model.fit(good, steps=5)


def test_curves_without_a_name_are_pieces_of_polynomials():
    dataset = kanrl.create_dataset(lambda x: np.tanh(3 * x[:, [0]]) + x[:, [1]], n_var=2)
    model = kanrl.KAN(width=[2, 1], seed=0)
    model.fit(dataset, steps=20)
    x = dataset["test_input"]
    assert np.abs(model.formula().scores(x) - model(x)).max() < 1e-9
