"""Gymnasium environments as numbers: what the Rust side calls."""

import copy
import importlib
import json
import os
import sys

import gymnasium
import numpy
from gymnasium.envs.registration import load_env_creator
from gymnasium.spaces import Box, Discrete


class Unusable(Exception):
    """The arguments do not fit."""


class Unavailable(Exception):
    """Something that the environment needs is not there, or its spaces are not ours."""


def identifiers():
    """Every registered id, those of the user's own modules first."""
    others = set(gymnasium.registry)
    for module in os.environ.get("KANRL_GYMNASIUM_MODULES", "").split(","):
        if module.strip():
            importlib.import_module(module.strip())
    return sorted(set(gymnasium.registry) - others) + sorted(others)


def needed(error):
    """What a missing package is called, and how to get it."""
    name = getattr(error, "name", None) or getattr(error.__cause__, "name", None)
    said = " ".join(str(error).split()).rstrip(".")
    return f"needs {name} ({said})" if name and name not in said.split() else f"needs a package: {said}"


def by_identifier(identifier, arguments):
    """A function that makes the environment of that id, with pictures where it has any."""
    arguments = json.loads(arguments)
    if "render_mode" in arguments:
        raise Unusable("render_mode is always rgb_array, where the environment has it")
    entry_point = gymnasium.spec(identifier).entry_point
    try:
        creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise Unavailable(needed(error)) from error
    if "rgb_array" in (getattr(creator, "metadata", None) or {}).get("render_modes", []):
        arguments["render_mode"] = "rgb_array"

    def make():
        try:
            return gymnasium.make(identifier, disable_env_checker=True, **arguments)
        except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
            raise Unavailable(needed(error)) from error
        except (AssertionError, TypeError, ValueError) as error:
            raise Unusable(f"{type(error).__name__}: {error}") from error

    return make


def by_object(env):
    """A function that makes environments like this one."""
    if hasattr(env, "env_fns"):
        return env.env_fns[0]
    if isinstance(env, gymnasium.vector.VectorEnv):
        raise Unusable("a vector environment without `env_fns` cannot be made again: pass an environment, or a function that makes one")
    if not isinstance(env, gymnasium.Env):
        return env
    if env.spec is not None:
        return lambda: gymnasium.make(env.spec, disable_env_checker=True)
    try:
        copy.deepcopy(env)
    except Exception as error:
        raise Unusable(
            f"{type(env).__name__} is not registered and cannot be copied ({error}): pass a function that makes one"
        ) from error
    return lambda: copy.deepcopy(env)


def numbers(space, what):
    """A space as a dictionary: `discrete`, or the bounds and the type of a vector."""
    if isinstance(space, Discrete):
        return {"discrete": int(space.n)}
    if not isinstance(space, Box):
        raise Unavailable(f"its {what} space is {space}, expected Discrete or a Box of one dimension")
    if len(space.shape) != 1:
        raise Unavailable(f"its {what} space has the shape {space.shape}, expected a Box of one dimension")
    # JSON has no infinity.
    bounds = [[value if numpy.isfinite(value) else None for value in row.astype(float).tolist()]
              for row in (space.low, space.high)]
    return {"low": bounds[0], "high": bounds[1], "float32": bool(space.dtype == numpy.float32)}


def time_limit(env):
    """Steps after which an episode is truncated, by the wrapper that does it or by the spec."""
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, gymnasium.wrappers.TimeLimit):
            return env._max_episode_steps
        env = env.env
    return env.spec.max_episode_steps if env.spec is not None else None


class Lanes:
    """Environments that are stepped together."""

    def __init__(self, make, count):
        self.envs = [make() for _ in range(count)]
        first = self.envs[0]
        if not isinstance(first, gymnasium.Env):
            raise Unusable(f"made {type(first).__name__}, expected a gymnasium.Env")
        self.observation_space, self.action_space = first.observation_space, first.action_space
        self.spaces = {"observation": numbers(first.observation_space, "observation"),
                       "action": numbers(first.action_space, "action")}
        self.draws = first.render_mode == "rgb_array"
        self.is_discrete = isinstance(self.action_space, Discrete)
        size = 1 if isinstance(self.observation_space, Discrete) else self.observation_space.shape[0]
        self.size = size
        self.observations = numpy.zeros((count, size))
        self.rewards = numpy.zeros(count)
        self.flags = numpy.zeros((count, 2), dtype=numpy.uint8)
        # Which lane an exception came from.
        self.lane = 0

    def description(self):
        """What is fixed about them, as JSON."""
        env = self.envs[0]
        return json.dumps({
            **self.spaces,
            "max_episode_steps": time_limit(env),
            "reward_threshold": env.spec.reward_threshold if env.spec is not None else None,
            "frames_per_second": int((env.metadata or {}).get("render_fps") or 30),
        })

    def observed(self, lane, observation):
        """Keeps a lane's observation."""
        if isinstance(self.observation_space, Discrete):
            self.observations[lane, 0] = observation - self.observation_space.start
            return
        observation = numpy.asarray(observation)
        if observation.shape != (self.size,):
            raise ValueError(f"the observation has the shape {observation.shape}, its space has ({self.size},)")
        self.observations[lane] = observation

    def reset(self, lane, seed):
        """Starts a lane's episode; the bytes of its observation."""
        observation, _ = self.envs[lane].reset(seed=seed)
        self.observed(lane, observation)
        return self.observations[lane].tobytes()

    def step(self, rows, actions, kind):
        """Takes the actions, by their bytes, in the first lanes: the bytes of observations, rewards and flags."""
        actions = numpy.frombuffer(actions, dtype=kind)
        actions = actions + self.action_space.start if self.is_discrete else actions.reshape(rows, -1).copy()
        for self.lane in range(rows):
            observation, reward, terminated, truncated, _ = self.envs[self.lane].step(actions[self.lane])
            self.observed(self.lane, observation)
            self.rewards[self.lane] = reward
            self.flags[self.lane] = bool(terminated), bool(truncated)
        return self.observations[:rows].tobytes(), self.rewards[:rows].tobytes(), self.flags[:rows].tobytes()

    def swap(self, first, second):
        """Exchanges two lanes."""
        self.envs[first], self.envs[second] = self.envs[second], self.envs[first]

    def state(self):
        """The physical state of the first one, where it keeps it under that name."""
        state = getattr(self.envs[0].unwrapped, "state", None)
        if isinstance(state, (tuple, list, numpy.ndarray)):
            try:
                return numpy.asarray(state, dtype=numpy.float64).ravel().tobytes()
            except (TypeError, ValueError):
                pass
        return b""

    def render(self):
        """Height, width and RGB bytes of a picture of the first one; None where there are none."""
        if not self.draws:
            return None
        try:
            frame = self.envs[0].render()
        except gymnasium.error.DependencyNotInstalled as error:
            print(f"{type(self.envs[0].unwrapped).__name__} is not drawn: {error}", file=sys.stderr)
            self.draws = False
            return None
        frame = numpy.ascontiguousarray(frame, dtype=numpy.uint8)
        if frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"the picture has the shape {frame.shape}, expected (height, width, 3)")
        return frame.shape[0], frame.shape[1], frame.tobytes()

    def close(self):
        """Frees what they hold."""
        for env in self.envs:
            env.close()
