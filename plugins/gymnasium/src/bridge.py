"""Gymnasium environments as numbers: what the plugin calls."""

import importlib
import json
import os
import sys

import gymnasium
import numpy
from gymnasium.envs.registration import load_env_creator
from gymnasium.spaces import Box, Discrete

# What Gymnasium has to say about an old version or a wrapper is not for every run.
gymnasium.logger.min_level = gymnasium.logger.ERROR


class Unusable(Exception):
    """The arguments, or the environment's spaces, do not fit."""


def identifiers():
    """Every registered id."""
    for module in os.environ.get("KANRL_GYMNASIUM_MODULES", "").split(","):
        if module.strip():
            importlib.import_module(module.strip())
    return sorted(gymnasium.registry)


def numbers(space, what):
    """A space as a dictionary: `discrete`, or the bounds and the type of a vector."""
    if isinstance(space, Discrete):
        return {"discrete": int(space.n)}
    if not isinstance(space, Box):
        raise Unusable(f"its {what} space is {space}, expected Discrete or a Box of one dimension")
    if len(space.shape) != 1:
        raise Unusable(f"its {what} space has the shape {space.shape}, expected a Box of one dimension")
    # JSON has no infinity.
    bounds = [[value if numpy.isfinite(value) else None for value in row.astype(float).tolist()]
              for row in (space.low, space.high)]
    return {"low": bounds[0], "high": bounds[1], "float32": space.dtype == numpy.float32}


class Environment:
    """One environment."""

    def __init__(self, identifier, arguments):
        arguments = json.loads(arguments)
        spec = gymnasium.spec(identifier)
        if "render_mode" in arguments:
            raise Unusable("render_mode is always rgb_array, where the environment has it")
        if "rgb_array" in getattr(load_env_creator(spec.entry_point), "metadata", {}).get("render_modes", []):
            arguments["render_mode"] = "rgb_array"
        try:
            self.env = gymnasium.make(identifier, disable_env_checker=True, **arguments)
        except (AssertionError, TypeError, ValueError) as error:
            raise Unusable(f"{type(error).__name__}: {error}") from error
        self.observation_space, self.action_space = self.env.observation_space, self.env.action_space
        self.draws = self.env.render_mode == "rgb_array"

    def description(self):
        """What is fixed about it, as JSON."""
        spec = self.env.spec
        return json.dumps({
            "observation": numbers(self.observation_space, "observation"),
            "action": numbers(self.action_space, "action"),
            "max_episode_steps": spec.max_episode_steps,
            "reward_threshold": spec.reward_threshold,
            "frames_per_second": int(self.env.metadata.get("render_fps") or 30),
        })

    def observed(self, observation):
        """An observation as the bytes of its numbers."""
        if isinstance(self.observation_space, Discrete):
            return numpy.float64(observation - self.observation_space.start).tobytes()
        return numpy.asarray(observation).astype(numpy.float64).tobytes()

    def reset(self, seed):
        """Starts an episode."""
        observation, _ = self.env.reset(seed=seed)
        return self.observed(observation)

    def step_discrete(self, action):
        """Takes the action of that index."""
        return self.step(numpy.int64(self.action_space.start + action))

    def step_float32(self, action):
        """Takes a vector action, from its bytes."""
        return self.step(numpy.frombuffer(action, dtype=numpy.float32).copy())

    def step_float64(self, action):
        """Takes a vector action, from its bytes."""
        return self.step(numpy.frombuffer(action, dtype=numpy.float64).copy())

    def step(self, action):
        """Takes an action of the environment's own type."""
        observation, reward, terminated, truncated, _ = self.env.step(action)
        return self.observed(observation), float(reward), bool(terminated), bool(truncated)

    def state(self):
        """The physical state, where the environment keeps it under that name."""
        state = getattr(self.env.unwrapped, "state", None)
        if isinstance(state, (tuple, list, numpy.ndarray)):
            try:
                return numpy.asarray(state, dtype=numpy.float64).ravel().tobytes()
            except (TypeError, ValueError):
                pass
        return b""

    def render(self):
        """Height, width and RGB bytes of a picture; None where there are none."""
        if not self.draws:
            return None
        try:
            frame = self.env.render()
        except gymnasium.error.DependencyNotInstalled as error:
            print(f"{self.env.spec.id} is not drawn: {error}", file=sys.stderr)
            self.draws = False
            return None
        frame = numpy.ascontiguousarray(frame, dtype=numpy.uint8)
        if frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"the picture has the shape {frame.shape}, expected (height, width, 3)")
        return frame.shape[0], frame.shape[1], frame.tobytes()

    def close(self):
        """Frees what it holds."""
        self.env.close()
