"""Kolmogorov-Arnold networks as scikit-learn's estimators."""

import json
from functools import cached_property

import numpy

from kanrl._kan import CERTAIN
from kanrl._kanrl import Network
from kanrl._optional import needed

needed("sklearn", "sklearn")

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402
from sklearn.utils.validation import check_is_fitted, validate_data  # noqa: E402


class _Network(BaseEstimator):
    """What both estimators have in common."""

    def __init__(
        self, hidden=(), *, grid=5, degree=3, steps=50, lamb=0.0, functions=None, tolerance=0.002, random_state=None
    ):
        self.hidden = hidden
        self.grid = grid
        self.degree = degree
        self.steps = steps
        self.lamb = lamb
        self.functions = functions
        self.tolerance = tolerance
        self.random_state = random_state

    def _train(self, inputs, targets, classes):
        from sklearn.utils import check_random_state

        state = self.random_state
        seed = int(state) if isinstance(state, (int, numpy.integer)) else 0
        if state is not None and not isinstance(state, (int, numpy.integer)):
            seed = int(check_random_state(state).randint(2**31))
        config = json.dumps({
            "hidden": [int(width) for width in self.hidden],
            "grid": self.grid,
            "degree": self.degree,
            "steps": self.steps,
            "lambda": self.lamb,
        })
        self._network = Network(config, inputs.shape[1], targets.shape[1], seed)
        self._network.fit(config, inputs, targets, steps=self.steps, classes=classes)
        self._classes = classes
        # Those of an earlier fit.
        self.__dict__.pop("_named", None)
        return self

    def _outputs(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=numpy.float64)
        return self._network.predict(X)

    @cached_property
    def _named(self):
        check_is_fitted(self)
        functions = None if self.functions is None else list(self.functions)
        named = self._network.name_edges(functions, classes=self._classes, tolerance=self.tolerance)
        names = getattr(self, "feature_names_in_", [f"x{index}" for index in range(self.n_features_in_)])
        return named.formula([str(name) for name in names], self._output_names())

    def __getstate__(self):
        return {key: value for key, value in super().__getstate__().items() if key != "_named"}

    @property
    def equations_(self):
        """The formula as text, by output: every curve of the network replaced by a named function. Found when it is first
        asked for."""
        text = str(self._named)
        pairs = (line.split(" = ", 1) for line in text.splitlines())
        return {name: expression for name, expression in pairs if name in self._output_names()}

    def sympy(self):
        """The formula as SymPy expressions, by output; one expression where there is one output."""
        expressions = self._named.sympy()
        return next(iter(expressions.values())) if len(expressions) == 1 else expressions

    def latex(self):
        """The formula in LaTeX."""
        return self._named.latex()


class KANRegressor(RegressorMixin, _Network):
    """A Kolmogorov-Arnold network for regression, which can become a formula.

    Parameters
    ----------
    hidden : sequence of int
        Nodes of each hidden layer. None by default: a sum of one curve for each feature.
    grid, degree : int
        Intervals and degree of each curve's spline.
    steps : int
        Training steps.
    lamb : float
        Strength of the regularization, which makes weak edges weaker.
    functions : list of str, optional
        Functions that curves may become in the formula; the library's ten where it is not given.
    tolerance : float
        How much simpler functions may cost, as a share of the targets' variance.
    random_state : int, RandomState or None
        Seeds the network's start; 0 for None, so that results repeat.

    Attributes
    ----------
    equations_ : dict
        The formula as text.
    """

    def fit(self, X, y):
        """Trains the network on `X` `[rows, features]` and `y` `[rows]` or `[rows, outputs]`."""
        X, y = validate_data(
            self, X, y, dtype=numpy.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        self._is_flat = y.ndim == 1
        targets = numpy.asarray(y, dtype=numpy.float64).reshape(len(y), -1)
        return self._train(X, targets, classes=False)

    def predict(self, X):
        """Values for `X` `[rows, features]`."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_flat else outputs

    def _output_names(self):
        count = 1 if self._is_flat else self._network.output_count
        return _free(["y"] if count == 1 else [f"y{index}" for index in range(count)], self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KANClassifier(ClassifierMixin, _Network):
    """A Kolmogorov-Arnold network for classification: one output for each class, the largest of which is chosen.

    Parameters as in `KANRegressor`.

    Attributes
    ----------
    classes_ : array
        The classes.
    equations_ : dict
        The formula as text: one output for each class.
    """

    def fit(self, X, y):
        """Trains the network on `X` `[rows, features]` and the classes `y` `[rows]`."""
        X, y = validate_data(self, X, y, dtype=numpy.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, indices = numpy.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"there is only one class: {self.classes_[0]!r}; a classifier needs two")
        targets = numpy.zeros((len(y), len(self.classes_)))
        targets[numpy.arange(len(y)), indices] = CERTAIN
        return self._train(X, targets, classes=True)

    def decision_function(self, X):
        """Scores `[rows, classes]`; of two classes how much better the second one is, `[rows]`."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict_proba(self, X):
        """Probabilities `[rows, classes]`."""
        outputs = self._outputs(X)
        weights = numpy.exp(outputs - outputs.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class of each row."""
        # Scores, since of probabilities several may be 1.
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]

    def _output_names(self):
        return _free([f"score{index}" for index in range(len(self.classes_))], self)


def _free(names, estimator):
    """The outputs' names, with an underscore where a feature has it."""
    taken = set(getattr(estimator, "feature_names_in_", []))
    return [f"{name}_" if name in taken else name for name in names]
