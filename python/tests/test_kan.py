"""`kanrl.KAN`: pykan's introductory example, and the parts it is made of."""

import copy
import pickle
from pathlib import Path

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
    x = dataset["test_input"]
    for network in (model, model.prune()):
        network.saveckpt(tmp_path / "model")
        again = kanrl.KAN.loadckpt(tmp_path / "model")
        assert (again(x) == network(x)).all() and again.edges == network.edges
    again.auto_symbolic(lib=["x", "x^2", "sin", "exp"], verbose=0)
    (tmp_path / "pickle").write_bytes(pickle.dumps(model))
    (tmp_path / "empty").write_bytes(b"")
    for damaged in ("pickle", "empty"):
        with pytest.raises(kanrl.InputError, match="is not a saved network"):
            kanrl.KAN.loadckpt(tmp_path / damaged)


def test_pykan_s_checkpoints_are_read_as_data(tmp_path):
    pytest.importorskip("yaml")
    path = Path(__file__).parent / "pykan" / "model"
    model = kanrl.KAN.loadckpt(path)
    # What pykan 0.2.8 answers; its numbers are read as float32.
    x = np.array([[0.251, -0.307], [-0.502, -0.15], [-0.437, 0.859], [-0.809, 0.434], [-0.94, -0.16]])
    y = [2.041272402467391, -0.0037863755037967906, 1.30876403005864, 0.840775044648393, 0.9095875763237304]
    assert np.abs(model(x).ravel() - y).max() < 1e-5
    # Two sums and a product, of which the factors are nodes as well.
    assert model.width == [2, 4, 1, 1]
    names = {name for *_, name, _ in model.edges}
    assert {"sin", "exp", None} <= names
    assert "<svg" in model.plot()._repr_svg_()
    model.fit({"train_input": x, "train_label": np.array(y)[:, None]}, steps=3)
    config = (path.parent / "model_config.yml").read_text()
    state = (path.parent / "model_state").read_bytes()

    def damaged(config, state):
        (tmp_path / "model_config.yml").write_text(config)
        (tmp_path / "model_state").write_bytes(state)
        return pytest.raises(kanrl.InputError)

    with damaged(config.replace("grid: 3", "grid: 4"), state):
        kanrl.KAN.loadckpt(tmp_path / "model")
    with damaged(config.replace("- sin", "- evil"), state):
        kanrl.KAN.loadckpt(tmp_path / "model")
    with damaged(config, state[:5000]):
        kanrl.KAN.loadckpt(tmp_path / "model")
    with damaged(config.replace("k: 3", "j: 3"), state):
        kanrl.KAN.loadckpt(tmp_path / "model")


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
    for network in (model, model.prune()):
        refined = network.refine(10)
        assert np.abs(refined(dataset["test_input"]) - network(dataset["test_input"])).mean() < 0.05
        assert refined.width == network.width


def test_diagrams_are_drawn_before_training_and_saved(trained, tmp_path):
    model = kanrl.KAN(width=[2, 3, 1], seed=0)
    with pytest.raises(kanrl.InputError, match="has not been trained"):
        model.plot()
    model(trained[1]["train_input"])
    assert "<svg" in model.plot(tmp_path / "kan.svg", in_vars=["a", "b"]).svg
    assert (tmp_path / "kan.svg").read_text().startswith("<svg")
    model.plot(tmp_path / "kan.png")
    assert (tmp_path / "kan.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(kanrl.InputError, match="has not been trained"):
        model.auto_symbolic()


def test_arguments_of_pykan_s(trained):
    _, dataset, _ = trained
    # What changes nothing is accepted, so that scripts run.
    model = kanrl.KAN(width=[2, 1], device="cpu", auto_save=False, ckpt_path="./model")
    options = {"log": 10, "save_fig": False, "reg_metric": "edge_backward", "lamb": 0.01}
    results = model.fit(dataset, steps=3, **options, metrics=[lambda: np.float64(0.5)])
    assert results["<lambda>"] == [0.5]
    with pytest.raises(kanrl.InputError, match="no `grid_range`"):
        kanrl.KAN(width=[2, 1], grid_range=[-2, 2])
    with pytest.raises(kanrl.InputError, match="nothing to regularize"):
        model.fit(dataset, reg_metric="edge")
    normalized = kanrl.create_dataset(f, normalize_input=True, normalize_label=True)
    assert np.allclose(normalized["train_input"].std(axis=0, ddof=1), 1.0)
    assert np.allclose(normalized["train_label"].mean(), 0.0)


def test_classes():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, size=(300, 2))
    classes = (x[:, 0] ** 2 > 0.25).astype(int)
    model = kanrl.KAN(width=[2, 2], seed=0)
    data = {"train_input": x, "train_label": classes, "test_input": x, "test_label": classes}
    results = model.fit(data, steps=20, loss_fn="cross_entropy")
    assert results["test_loss"][-1] < 0.5 and (model(x).argmax(axis=1) == classes).mean() > 0.95
    with pytest.raises(kanrl.InputError, match="classes from 0 to 5 for 2 outputs"):
        model.fit({"train_input": x, "train_label": classes * 5}, loss_fn="cross_entropy")
    with pytest.raises(kanrl.InputError, match="is not supported"):
        model.fit(data, loss_fn="hinge")


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
