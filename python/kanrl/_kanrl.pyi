"""What is done in Rust. Private but for `Policy` and `environments`."""

from os import PathLike
from pathlib import Path
from typing import Any, Callable, Literal, final

import numpy
from numpy.typing import ArrayLike, NDArray

VERSION: str

class Policy:
    """Chooses actions for observations. `str()` of a formula is the formula."""

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
        *,
        elapsed_steps: list[int] | None = None,
    ) -> tuple[NDArray[Any], Any]:
        """Actions for one observation `[size]` or for several `[rows, size]`, and `state` as it was given."""
    def scores(self, observation: ArrayLike, *, elapsed_steps: list[int] | None = None) -> NDArray[numpy.float64]:
        """One number for each discrete action, or the vector before it is clipped."""
    def to(self, format: str) -> str:
        """The formula as text, latex, mathml, sympy, numpy (or python), c, rust or json."""
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
    def sympy(self) -> dict[str, Any]:
        """The formula's outputs as SymPy expressions."""
    @property
    def constants(self) -> dict[str, float]:
        """The formula's constants, named k1, k2, …."""
    def with_constants(self, **values: float) -> Policy:
        """The same formula with other values for some constants."""
    @property
    def operations(self) -> int:
        """Number of operations of the formula."""
    @property
    def is_formula(self) -> bool:
        """Whether it is a formula."""
    @property
    def source(self) -> str:
        """Where it comes from."""
    @property
    def observation_names(self) -> list[str]:
        """Names of the observation's coordinates; empty where they are not known."""
    @property
    def observation_size(self) -> int:
        """Number of coordinates of an observation."""
    @property
    def discrete_actions(self) -> int | None:
        """Number of discrete actions; None where an action is a vector."""
    @property
    def action_bounds(self) -> list[tuple[float, float]] | None:
        """Bounds of a vector action; None for discrete actions."""
    @property
    def score_kind(self) -> Literal["logits", "q_values", "means"] | None:
        """What `scores` gives; None where it has labels only."""

@final
class RunDirectory:
    def __new__(cls, path: str | PathLike[str]) -> RunDirectory: ...
    def record(self) -> str: ...
    def path(self, name: str) -> Path | None: ...
    def has(self, role: str) -> bool: ...
    def formula(self, role: str) -> Policy: ...
    def diagram(self) -> str | None: ...
    def video(self) -> bytes | None: ...
    def formula_of_text(self, text: str) -> Policy: ...
    def kan(self, environment: Any = None) -> Policy: ...
    def expert(self, environment: Any = None) -> Policy: ...

@final
class Network:
    def __new__(cls, config: str, inputs: int, outputs: int, seed: int) -> Network: ...
    def fit(
        self,
        config: str,
        inputs: ArrayLike,
        targets: ArrayLike,
        test_inputs: ArrayLike | None = None,
        test_targets: ArrayLike | None = None,
        *,
        steps: int = 50,
        classes: bool = False,
    ) -> tuple[list[float], list[float]]: ...
    def refine(self, grid: int) -> None: ...
    def look_at(self, inputs: ArrayLike) -> None: ...
    @staticmethod
    def of_pykan(config: str, state: str | PathLike[str]) -> Network: ...
    def predict(self, inputs: ArrayLike) -> NDArray[numpy.float64]: ...
    def prune(self, node: float, edge: float, input: float) -> Network: ...
    def without_edge(self, layer: int, source: int, target: int) -> Network: ...
    @property
    def output_count(self) -> int: ...
    def widths(self) -> list[int]: ...
    def edges(self) -> list[tuple[tuple[int, int], tuple[int, int], str | None, float]]: ...
    def input_scores(self) -> list[float]: ...
    def suggest(
        self,
        layer: int,
        source: int,
        target: int,
        functions: list[str] | None = None,
        simplicity: float | None = None,
    ) -> list[tuple[str, float, float, tuple[float, float, float, float]]]: ...
    def name_edge(self, layer: int, source: int, target: int, function: str) -> tuple[Network, float]: ...
    def name_edges(
        self,
        functions: list[str] | None = None,
        simplicity: float | None = None,
        *,
        classes: bool = False,
        tolerance: float | None = None,
    ) -> Network: ...
    def formula(self, input_names: list[str], output_names: list[str]) -> Policy: ...
    def diagram(self, input_names: list[str], output_names: list[str]) -> str: ...

@final
class Lanes:
    def __new__(cls, identifier: str, arguments: str, count: int) -> Lanes: ...
    def spec(self) -> str: ...
    def reset(self, seeds: list[int | None], mask: list[bool] | None = None) -> NDArray[Any]: ...
    def step(self, actions: ArrayLike, resets: bool) -> tuple[NDArray[Any], ...]: ...
    def render(self, lane: int) -> NDArray[numpy.uint8]: ...
    def state(self, lane: int) -> list[float]: ...

def environments() -> list[str]:
    """Ids of the environments that are simulated in Rust, sorted."""

def policy(text: str, environment: Any = None) -> Policy: ...
def extract(order: str, environment: Any, hear: Callable[[str], None] | None) -> str: ...
def evaluate(policy: Policy, environment: Any, arguments: str, episodes: int, seed: int | None = None) -> str: ...
def compare(
    first: Policy, second: Policy, environment: Any, arguments: str, episodes: int, seed: int | None = None
) -> str: ...
def states(
    policy: Policy, environment: Any, arguments: str, episodes: int, seed: int
) -> tuple[NDArray[numpy.float64], list[int], list[float]]: ...
def probe(environment: Any, arguments: str) -> tuple[NDArray[Any], int, int]: ...
def python_policy(
    name: str, act: Any, scores: Any | None, environment: Any, arguments: str, kept: bool
) -> tuple[Policy, str]: ...
def command(program: str | PathLike[str], arguments: list[str]) -> None: ...
def png(svg: str, scale: float) -> bytes: ...
def forget_experts() -> None: ...
def restore_network(
    inputs: int,
    outputs: int,
    seed: int,
    kind: str,
    bytes: bytes,
    row_inputs: list[float],
    row_targets: list[float],
) -> Network: ...
