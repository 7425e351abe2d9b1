"""kanrl's environments, simulated in Rust, as Gymnasium's."""

import json

import numpy

from kanrl import _kanrl
from kanrl._optional import needed

gymnasium = needed("gymnasium", "gymnasium")


def _space(space):
    """A space of the spec's as Gymnasium's."""
    if "actions" in space:
        return gymnasium.spaces.Discrete(len(space["actions"]))
    dtype = numpy.dtype("float32" if space["element_type"] == "f32" else "float64")
    bound = lambda name: numpy.array([float(axis[name]) for axis in space["coordinates"]], dtype=dtype)  # noqa: E731
    return gymnasium.spaces.Box(bound("low"), bound("high"), dtype=dtype)


class _Again:
    """Copies and pickles are made anew, as Gymnasium's `EzPickle` does it: without the episodes that run."""

    def __reduce__(self):
        return _made, (type(self), self._made_with)


def _made(kind, arguments):
    return kind(**arguments)


class RustEnv(_Again, gymnasium.Env):
    """One environment. `render_mode` is None or `rgb_array`; other arguments are the environment's own."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, identifier, render_mode=None, **arguments):
        self._made_with = {"identifier": identifier, "render_mode": render_mode, **arguments}
        self._lanes = _kanrl.Lanes(identifier, json.dumps(arguments), 1)
        spec = json.loads(self._lanes.spec())
        self.metadata = {**self.metadata, "render_fps": spec["frames_per_second"]}
        self.observation_space = _space(spec["observation_space"])
        self.action_space = _space(spec["action_space"])
        self.render_mode = render_mode
        self._info_names = spec["info_names"]
        self._is_discrete = isinstance(self.action_space, gymnasium.spaces.Discrete)
        self._started = False

    def reset(self, *, seed=None, options=None):
        """Starts an episode."""
        super().reset(seed=seed)
        self._started = True
        return self._lanes.reset([seed])[0], {}

    def step(self, action):
        """One step."""
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset before step")
        action = numpy.asarray(action).reshape(1 if self._is_discrete else (1, -1))
        observations, rewards, terminated, truncated, infos = self._lanes.step(action, False)
        info = dict(zip(self._info_names, infos[0].tolist())) if self._info_names else {}
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self):
        """A picture, with `render_mode="rgb_array"`."""
        return self._lanes.render(0) if self.render_mode == "rgb_array" else None

    @property
    def state(self):
        """The physical state."""
        return numpy.array(self._lanes.state(0))


class RustVectorEnv(_Again, gymnasium.vector.VectorEnv):
    """Several environments, stepped together in Rust. As in `gym.make_vec`, an environment whose episode has ended starts
    another at its next step (`AutoresetMode.NEXT_STEP`)."""

    metadata = {"render_modes": ["rgb_array"], "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(self, identifier, num_envs=1, render_mode=None, **arguments):
        self._made_with = {"identifier": identifier, "num_envs": num_envs, "render_mode": render_mode, **arguments}
        self._lanes = _kanrl.Lanes(identifier, json.dumps(arguments), num_envs)
        spec = json.loads(self._lanes.spec())
        self.metadata = {**self.metadata, "render_fps": spec["frames_per_second"]}
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = _space(spec["observation_space"])
        self.single_action_space = _space(spec["action_space"])
        batch = gymnasium.vector.utils.batch_space
        self.observation_space = batch(self.single_observation_space, num_envs)
        self.action_space = batch(self.single_action_space, num_envs)
        self._info_names = spec["info_names"]
        self._all = numpy.ones(num_envs, dtype=bool)

    def reset(self, *, seed=None, options=None):
        """Starts episodes: with one seed the environments get it and those that follow it. `options={"reset_mask": …}` names
        the environments that start again."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        if seed is None or isinstance(seed, (int, numpy.integer)):
            seeds = [None if seed is None else int(seed) + lane for lane in range(self.num_envs)]
        else:
            seeds = [None if one is None else int(one) for one in seed]
        mask = (options or {}).get("reset_mask")
        return self._lanes.reset(seeds, None if mask is None else numpy.asarray(mask, dtype=bool).tolist()), {}

    def step(self, actions):
        """One step of every environment."""
        observations, rewards, terminated, truncated, infos = self._lanes.step(numpy.asarray(actions), True)
        info = {}
        for index, name in enumerate(self._info_names):
            info[name], info[f"_{name}"] = infos[:, index], self._all
        return observations, rewards, terminated, truncated, info

    def render(self):
        """A picture of each environment, with `render_mode="rgb_array"`."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(self._lanes.render(lane) for lane in range(self.num_envs))


def make_vec(env, num_envs=1, **arguments):
    """Several of one of kanrl's environments, stepped together in Rust: `kanrl.make_vec("Hopper-v5", num_envs=64)`.

    Parameters
    ----------
    env : str
        The id; `kanrl.environments()` lists them.
    num_envs : int
        How many.
    **arguments
        `render_mode`, and the environment's own, as `gym.make_vec` takes them.

    Returns
    -------
    gymnasium.vector.VectorEnv
    """
    return RustVectorEnv(env, num_envs=num_envs, **arguments)
