"""pykan's `KAN`, with its names."""

import copy
import json
import sys
from pathlib import Path

import numpy

from kanrl._errors import InputError
from kanrl._kanrl import Network, png, restore_network
from kanrl._optional import needed

#: pykan's names of base functions, and kanrl's.
_BASES = {"silu": "silu", "identity": "identity", "zero": "zero"}
_OPTIMIZERS = {"LBFGS": "lbfgs", "Adam": "adam", "auto": "auto", "LM": "levenberg_marquardt"}
#: pykan's names of what is regularized.
_METRICS = ("edge_forward_spline_n", "edge_forward_spline_u", "edge_forward_sum", "edge_backward", "node_backward")
#: The score of the class that a row is of; the others' is 0.
CERTAIN = 30.0
#: Arguments of pykan's that change no result: accepted, so that its scripts run.
_IGNORED = {
    "KAN": {"device", "auto_save", "ckpt_path", "first_init", "round", "save_act", "state_id", "symbolic_enabled"},
    "fit": {
        "beta", "display_metrics", "img_folder", "in_vars", "log", "out_vars", "save_fig", "save_fig_freq",
        "singularity_avoiding", "y_th",
    },
    "create_dataset": set(),
}  # fmt: skip


class KAN:
    """A Kolmogorov-Arnold network (arXiv 2404.19756) with the names and arguments of pykan's `KAN`.

    Parameters
    ----------
    width : list
        Nodes of each layer, inputs and outputs included; `[sums, products]` for a layer with multiplication nodes.
    grid, k : int
        Intervals and degree of each curve's spline.
    seed : int
        The only source of randomness.
    base_fun : str
        `silu`, `identity` or `zero`.
    noise_scale : float
        Height of the noise that the splines start as.

    Outputs are torch tensors where the inputs are, and NumPy arrays otherwise. Inputs are standardized inside and grids
    follow the data, so `grid_range` and the like have no counterpart. `device` and what pykan needs for its checkpoints is
    accepted and changes nothing: networks live on the CPU.
    """

    def __init__(self, width, grid=3, k=3, seed=1, base_fun="silu", noise_scale=0.3, **others):
        _refuse("KAN", others, "it takes width, grid, k, seed, base_fun, noise_scale")
        if len(width) < 2:
            raise InputError(f"the width {width} has no layer", "give inputs, hidden layers and outputs: [2, 5, 1]")
        layers = [(layer, 0) if isinstance(layer, (int, numpy.integer)) else (layer[0], sum(layer[1:])) for layer in width]
        if layers[0][1] or layers[-1][1]:
            raise InputError("only hidden layers have multiplication nodes")
        if base_fun not in _BASES:
            raise InputError(f"no base function is named `{base_fun}`", f"there are {', '.join(_BASES)}")
        hidden = layers[1:-1]
        self._config = {
            "hidden": [int(sums) for sums, _ in hidden],
            "products": [int(products) for _, products in hidden],
            "grid": int(grid),
            "degree": int(k),
            "base": _BASES[base_fun],
            "noise": float(noise_scale),
        }
        self._inputs, self._outputs = int(layers[0][0]), int(layers[-1][0])
        self._network = Network(json.dumps(self._config), self._inputs, self._outputs, int(seed))

    def fit(
        self,
        dataset,
        opt="LBFGS",
        steps=100,
        lamb=0.0,
        lamb_l1=1.0,
        lamb_entropy=2.0,
        lamb_coef=0.0,
        lamb_coefdiff=0.0,
        update_grid=True,
        grid_update_num=10,
        lr=0.01,
        batch=-1,
        reg_metric="edge_forward_spline_n",
        loss_fn=None,
        metrics=None,
        **others,
    ):
        """Trains the network.

        `dataset` has `train_input`, `train_label`, and if need be `test_input`, `test_label`, as `create_dataset` makes it.
        `loss_fn` is the mean squared error, or with `"cross_entropy"`, or torch's `CrossEntropyLoss`, that of classes, with one
        output for each: labels are then classes `[rows]` or scores `[rows, classes]`.

        `opt` is `LBFGS`, `Adam`, `LM` (Levenberg-Marquardt) or `auto`, which takes the fastest for the size. A network that
        was pruned or named is trained by L-BFGS without regularization, and its grids stay.

        Returns a dictionary like pykan's: `train_loss` (the square root of the loss after each step), `test_loss` (after the
        last), and what the functions `metrics` give after the last.
        """
        _refuse("fit", others)
        if opt not in _OPTIMIZERS:
            raise InputError(f"no optimizer is named `{opt}`", f"there are {', '.join(_OPTIMIZERS)}")
        if reg_metric not in _METRICS:
            raise InputError(f"nothing to regularize is named `{reg_metric}`", f"there are {', '.join(_METRICS)}")
        training = {
            "optimizer": _OPTIMIZERS[opt],
            "steps": int(steps),
            "lambda": float(lamb),
            "metric": reg_metric,
            "lambda_l1": float(lamb_l1),
            "lambda_entropy": float(lamb_entropy),
            "lambda_coefficients": float(lamb_coef),
            "lambda_coefficient_differences": float(lamb_coefdiff),
            "grid_updates": int(grid_update_num) if update_grid else 0,
            "learning_rate": float(lr),
            "batch_rows": max(int(batch), 0),
        }
        is_choice = loss_fn == "cross_entropy" or type(loss_fn).__name__ == "CrossEntropyLoss"
        if loss_fn is not None and not is_choice and type(loss_fn).__name__ != "MSELoss":
            raise InputError(f"the loss {loss_fn!r} is not supported", 'leave out loss_fn=, or use "cross_entropy"')
        parts = [
            None if dataset.get(name) is None else _array(dataset[name])
            for name in ("train_input", "train_label", "test_input", "test_label")
        ]
        if is_choice:
            parts[1::2] = [None if labels is None else self._scores(labels) for labels in parts[1::2]]
        config = json.dumps({**self._config, **training})
        train, test = self._network.fit(config, *parts, steps=int(steps), classes=is_choice)
        results = {"train_loss": numpy.sqrt(train), "test_loss": numpy.sqrt(test)}
        results.update((metric.__name__, [metric().item()]) for metric in metrics or ())
        return results

    train = fit

    def __call__(self, x):
        """Outputs `[rows, outputs]` for inputs `[rows, inputs]`. What a network sees before it is trained is what `plot` draws
        its curves over."""
        inputs = _array(x)
        self._network.look_at(inputs)
        outputs = self._network.predict(inputs)
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(x, torch.Tensor):
            return outputs
        return torch.from_numpy(outputs).to(device=x.device, dtype=x.dtype)

    forward = __call__

    def prune(self, node_th=1e-2, edge_th=3e-2):
        """A network without hidden nodes and edges that matter little."""
        return self._with(self._network.prune(node_th, edge_th, -1.0))

    def prune_node(self, threshold=1e-2):
        """A network without hidden nodes that matter little."""
        return self._with(self._network.prune(threshold, -1.0, -1.0))

    def prune_edge(self, threshold=3e-2):
        """Removes edges that matter little."""
        self._network = self._network.prune(-1.0, threshold, -1.0)

    def prune_input(self, threshold=1e-2):
        """A network that ignores inputs that matter little; they stay where they are."""
        return self._with(self._network.prune(-1.0, -1.0, threshold))

    def remove_edge(self, l, i, j):  # noqa: E741
        """Removes the edge from node `i` of layer `l` to node `j` of the next."""
        self._network = self._network.without_edge(l, i, j)

    def refine(self, new_grid):
        """A network with other numbers of intervals, which computes nearly the same."""
        refined = copy.deepcopy(self)
        refined._network.refine(int(new_grid))
        refined._config["grid"] = int(new_grid)
        return refined

    @property
    def width(self):
        """Nodes of each layer."""
        return self._network.widths()

    @property
    def edges(self):
        """Each edge: `(l, i)` and `(l + 1, j)` of its nodes, its function's name (None for a spline), its importance."""
        return self._network.edges()

    @property
    def feature_score(self):
        """How much the outputs depend on each input."""
        return numpy.array(self._network.input_scores())

    def suggest_symbolic(self, l, i, j, topk=5, lib=None, weight_simple=0.8, verbose=True, **_):  # noqa: E741
        """Functions for an edge, best first: pykan's tuple of the best one, `(name, None, r2, complexity)`."""
        found = self._network.suggest(l, i, j, lib, weight_simple)[:topk]
        if not found:
            raise InputError("no function fits this edge", "take a library with `x` in it")
        if verbose:
            print("  function  r2      complexity")
            for name, r2, complexity, _ in found:
                print(f"  {name:<8}  {r2:.4f}  {complexity:g}")
        name, r2, complexity, _ = found[0]
        return name, None, r2, complexity

    def fix_symbolic(self, l, i, j, fun_name, verbose=True, **_):  # noqa: E741
        """Makes an edge a named function, fitted to its curve; gives the fit's coefficient of determination."""
        self._network, r2 = self._network.name_edge(l, i, j, fun_name)
        if verbose:
            print(f"r2 is {r2}")
        return r2

    def auto_symbolic(self, lib=None, verbose=1, weight_simple=0.2, tolerance=None):
        """Makes every edge a named function of `lib`.

        Unlike pykan's, each is judged by the loss of the whole network after a refit, and edges that are not missed go.
        `tolerance` says what simplicity may cost, as a share of the targets' variance; 0.002 where it is not given.
        """
        self._network = self._network.name_edges(lib, weight_simple, tolerance=tolerance)
        if verbose:
            for (layer, source), (_, target), name, _ in self._network.edges():
                print(f"fixing ({layer},{source},{target}) with {name}")

    def formula(self, var=None):
        """The formula as a `kanrl.Policy`, with its exports; every edge must be a named function."""
        names = self._names(var)
        return self._network.formula(names, self._output_names(names))

    def symbolic_formula(self, var=None):
        """SymPy expressions of the outputs, and the inputs' symbols. `var` names the inputs; `x_1`, `x_2`, … without."""
        sympy = needed("sympy", "sympy")
        names = self._names(var)
        expressions = list(self.formula(var).sympy().values())
        symbols = [sympy.Symbol(name) for name in names]
        renamed = {sympy.Symbol(name, real=True): symbol for name, symbol in zip(names, symbols)}
        return [expression.subs(renamed) for expression in expressions], symbols

    def plot(self, path=None, in_vars=None, out_vars=None, **_):
        """The diagram: an object that notebooks draw. `path` saves it, as SVG or PNG by its suffix."""
        names = self._names(in_vars)
        outputs = [str(name) for name in out_vars] if out_vars else self._output_names(names)
        diagram = Diagram(self._network.diagram(names, outputs))
        if path is not None:
            diagram.save(path)
        return diagram

    def saveckpt(self, path="model"):
        """Saves the network and what it was trained on, for `loadckpt`. The file is NumPy's: reading it runs no code."""
        _, (*sizes, kind, network, inputs, targets) = self._network.__reduce__()
        state = json.dumps({"format": _FORMAT, "config": self._config, "sizes": sizes, "kind": kind})
        with open(path, "wb") as file:
            numpy.savez(file, state=_bytes(state.encode()), network=_bytes(bytes(network)), inputs=inputs, targets=targets)

    @staticmethod
    def loadckpt(path="model"):
        """Loads what `saveckpt` saved, or pykan's checkpoint of that name (`…_config.yml` and `…_state`), for which PyYAML is
        needed. Both are read as data.

        A network of pykan's is what it would be after `prune`: its grids stay. Call it with inputs, or train it, before it
        is plotted, pruned or named.
        """
        if Path(f"{path}_config.yml").is_file():
            return KAN._of_pykan(path)
        try:
            with numpy.load(path, allow_pickle=False) as file:
                parts = {name: file[name] for name in ("state", "network", "inputs", "targets")}
            state = json.loads(parts["state"].tobytes())
            config, sizes, kind = state["config"], state["sizes"], state["kind"]
        except FileNotFoundError:
            raise
        except (EOFError, KeyError, OSError, TypeError, ValueError) as error:
            raise InputError(f"`{path}` is not a saved network: {error}", "saveckpt writes one") from error
        if state.get("format") != _FORMAT:
            raise InputError(f"`{path}` has the format {state.get('format')}, expected {_FORMAT}", "use the same kanrl")
        network = restore_network(
            *sizes, kind, parts["network"].tobytes(), parts["inputs"].tolist(), parts["targets"].tolist()
        )
        return KAN._around(network, config, sizes[0], sizes[1])

    @staticmethod
    def _of_pykan(path):
        yaml = needed("yaml", "pykan")
        with open(f"{path}_config.yml", encoding="utf-8") as file:
            config = yaml.safe_load(file)
        try:
            width, grid, k = config["width"], config["grid"], config["k"]
            parts = {name: config[name] for name in ("width", "grid", "k", "mult_arity", "base_fun_name")}
            parts["functions"] = [config[f"symbolic.funs_name.{layer}"] for layer in range(len(width) - 1)]
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}_config.yml lacks {error}", "checkpoints of pykan 0.2 can be read") from error
        network = Network.of_pykan(json.dumps(parts), f"{path}_state")
        settings = {"hidden": [], "products": [], "grid": grid, "degree": k, "base": config["base_fun_name"]}
        return KAN._around(network, settings, sum(width[0]), sum(width[-1]))

    @staticmethod
    def _around(network, config, inputs, outputs):
        model = KAN.__new__(KAN)
        model._network, model._config, model._inputs, model._outputs = network, config, inputs, outputs
        return model

    def copy(self):
        """An independent copy."""
        return copy.deepcopy(self)

    def _scores(self, labels):
        """Classes as scores; scores as they are."""
        if labels.ndim == 2 and labels.shape[1] == self._outputs:
            return labels
        classes = labels.ravel().astype(int)
        if len(classes) and not 0 <= classes.min() <= classes.max() < self._outputs:
            raise InputError(f"classes from {classes.min()} to {classes.max()} for {self._outputs} outputs", "one for each class")
        return numpy.where(classes[:, None] == numpy.arange(self._outputs), CERTAIN, 0.0)

    def _with(self, network):
        model = copy.copy(self)
        model._config = dict(self._config)
        model._network = network
        return model

    def _names(self, var):
        if var is None:
            return [f"x_{index + 1}" for index in range(self._inputs)]
        return [str(name) for name in var]

    def _output_names(self, taken):
        names = ["f"] if self._outputs == 1 else [f"f_{index + 1}" for index in range(self._outputs)]
        return [f"{name}_" if name in taken else name for name in names]


#: Of what `saveckpt` writes.
_FORMAT = 1


class Diagram:
    """A picture as SVG."""

    def __init__(self, svg):
        self.svg = svg

    def _repr_svg_(self):
        return self.svg

    def save(self, path, scale=2.0):
        """Writes the SVG, or with the suffix `.png` its pixels, `scale` for each of its units."""
        path = Path(path)
        if path.suffix.lower() == ".png":
            path.write_bytes(png(self.svg, scale))
        else:
            path.write_text(self.svg, encoding="utf-8")


def create_dataset(
    f,
    n_var=2,
    f_mode="col",
    ranges=(-1, 1),
    train_num=1000,
    test_num=1000,
    normalize_input=False,
    normalize_label=False,
    device=None,
    seed=0,
    **others,
):
    """Samples of a function, as pykan's `create_dataset` makes them.

    `f` gets `[rows, n_var]` (with `f_mode="row"` `[n_var, rows]`): a torch tensor where torch is imported, else an array.
    The dataset's parts are NumPy arrays, or with `device` torch tensors of torch's default type there.
    """
    _refuse("create_dataset", others)
    random = numpy.random.default_rng(seed)
    ranges = numpy.broadcast_to(numpy.asarray(ranges, dtype=float), (n_var, 2))
    torch = sys.modules.get("torch")
    dataset = {}
    for part, rows in (("train", train_num), ("test", test_num)):
        x = random.uniform(ranges[:, 0], ranges[:, 1], size=(rows, n_var))
        given = x if torch is None else torch.from_numpy(x)
        y = _array(f(given if f_mode == "col" else given.T))
        dataset[f"{part}_input"] = x
        dataset[f"{part}_label"] = y.reshape(rows, -1)
    for kind, normalized in (("input", normalize_input), ("label", normalize_label)):
        if normalized:
            mean, std = dataset[f"train_{kind}"].mean(axis=0), dataset[f"train_{kind}"].std(axis=0, ddof=1)
            for part in ("train", "test"):
                dataset[f"{part}_{kind}"] = (dataset[f"{part}_{kind}"] - mean) / std
    if device is None or torch is None:
        return dataset
    kind = torch.get_default_dtype()
    return {name: torch.from_numpy(values).to(device=device, dtype=kind) for name, values in dataset.items()}


def ex_round(expression, n_digit):
    """A SymPy expression with its numbers rounded, as pykan's."""
    sympy = needed("sympy", "sympy")
    numbers = expression.atoms(sympy.Float)
    return expression.xreplace({number: sympy.Float(round(float(number), n_digit), n_digit + 3) for number in numbers})


def _array(values):
    values = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    return numpy.asarray(values, dtype=numpy.float64)


def _bytes(content):
    return numpy.frombuffer(content, dtype=numpy.uint8)


def _refuse(function, others, help=None):
    """An error for an argument that pykan's function has and this one cannot honor."""
    unknown = [name for name in others if name not in _IGNORED[function]]
    if unknown:
        raise InputError(f"{function} takes no `{unknown[0]}`", help)
