"""pykan's `KAN`, with its names."""

import copy
import json
import pickle

import numpy

from kanrl._errors import InputError
from kanrl._kanrl import Network
from kanrl._optional import needed

#: pykan's names of base functions, and kanrl's.
_BASES = {"silu": "silu", "identity": "identity", "zero": "zero"}
_OPTIMIZERS = {"LBFGS": "lbfgs", "Adam": "adam", "auto": "auto", "LM": "levenberg_marquardt"}


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

    Inputs are NumPy arrays, or anything `numpy.asarray` takes, such as torch's tensors on the CPU; results are NumPy
    arrays. Inputs are standardized inside and grids follow the data, so `grid_range` and the like have no counterpart.
    """

    def __init__(self, width, grid=3, k=3, seed=1, base_fun="silu", noise_scale=0.3, **unknown):
        if unknown:
            raise InputError(f"KAN takes no `{next(iter(unknown))}`", "it takes width, grid, k, seed, base_fun, noise_scale")
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
        log=1,
        lamb=0.0,
        lamb_l1=1.0,
        lamb_entropy=2.0,
        lamb_coef=0.0,
        lamb_coefdiff=0.0,
        update_grid=True,
        grid_update_num=10,
        lr=0.01,
        batch=-1,
        **unknown,
    ):
        """Trains the network.

        `dataset` has `train_input`, `train_label`, and if need be `test_input`, `test_label`, as `create_dataset` makes it.
        `opt` is `LBFGS`, `Adam`, `LM` (Levenberg-Marquardt) or `auto`, which takes the fastest for the size. `log`
        changes nothing.

        Returns a dictionary like pykan's: `train_loss` (root mean square error after each step) and `test_loss` (after the
        last).
        """
        if unknown:
            raise InputError(f"fit takes no `{next(iter(unknown))}`")
        if opt not in _OPTIMIZERS:
            raise InputError(f"no optimizer is named `{opt}`", f"there are {', '.join(_OPTIMIZERS)}")
        training = {
            "optimizer": _OPTIMIZERS[opt],
            "steps": int(steps),
            "lambda": float(lamb),
            "lambda_l1": float(lamb_l1),
            "lambda_entropy": float(lamb_entropy),
            "lambda_coefficients": float(lamb_coef),
            "lambda_coefficient_differences": float(lamb_coefdiff),
            "grid_updates": int(grid_update_num) if update_grid else 0,
            "learning_rate": float(lr),
            "batch_rows": max(int(batch), 0),
        }
        part = lambda name: None if dataset.get(name) is None else _array(dataset[name])  # noqa: E731
        config = json.dumps({**self._config, **training})
        train, test = self._network.fit(
            config, part("train_input"), part("train_label"), part("test_input"), part("test_label"), steps=int(steps)
        )
        return {"train_loss": numpy.sqrt(train), "test_loss": numpy.sqrt(test)}

    train = fit

    def __call__(self, x):
        """Outputs `[rows, outputs]` for inputs `[rows, inputs]`."""
        return self._network.predict(_array(x))

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
        """A network with more intervals, which computes nearly the same."""
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

    def suggest_symbolic(self, l, i, j, topk=5, lib=None, weight_simple=0.8, verbose=True):  # noqa: E741
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

    def fix_symbolic(self, l, i, j, fun_name, verbose=True):  # noqa: E741
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
        """The diagram: an object that notebooks draw. `path` saves it as SVG."""
        names = self._names(in_vars)
        outputs = [str(name) for name in out_vars] if out_vars else self._output_names(names)
        diagram = Diagram(self._network.diagram(names, outputs))
        if path is not None:
            diagram.save(path)
        return diagram

    def saveckpt(self, path="model"):
        """Saves the network: a pickle, for `loadckpt`."""
        with open(path, "wb") as file:
            pickle.dump(self, file)

    @staticmethod
    def loadckpt(path="model"):
        """Loads what `saveckpt` saved. It is a pickle: load only files that you trust."""
        with open(path, "rb") as file:
            model = pickle.load(file)
        if not isinstance(model, KAN):
            raise InputError(f"`{path}` holds a {type(model).__name__}, not a KAN")
        return model

    def copy(self):
        """An independent copy."""
        return copy.deepcopy(self)

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


class Diagram:
    """A picture as SVG."""

    def __init__(self, svg):
        self.svg = svg

    def _repr_svg_(self):
        return self.svg

    def save(self, path):
        """Writes the SVG."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg)


def create_dataset(f, n_var=2, f_mode="col", ranges=(-1, 1), train_num=1000, test_num=1000, seed=0, **unknown):
    """Samples of a function, as pykan's `create_dataset` makes them, as NumPy arrays.

    `f` gets `[rows, n_var]` (with `f_mode="row"` `[n_var, rows]`): a torch tensor where torch is imported, else an array.
    """
    import sys

    if unknown:
        raise InputError(f"create_dataset takes no `{next(iter(unknown))}`")
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
    return dataset


def ex_round(expression, n_digit):
    """A SymPy expression with its numbers rounded, as pykan's."""
    sympy = needed("sympy", "sympy")
    numbers = expression.atoms(sympy.Float)
    return expression.xreplace({number: sympy.Float(round(float(number), n_digit), n_digit + 3) for number in numbers})


def _array(values):
    values = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    return numpy.asarray(values, dtype=numpy.float64)
