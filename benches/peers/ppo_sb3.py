"""Stable-Baselines3's PPO on the same environment, hyper-parameters, seed and budget as `kanrl train-expert`.

    python ppo_sb3.py CartPole-v1 --config ../../crates/experts/bundled/CartPole-v1.json --seeds 2

For `cargo xtask compare training`. Prints, for each seed, a line of JSON: the seconds that `learn` took, by the clock and
of CPU time (the fairer one on a busy machine), and the return of the deterministic policy over 100 episodes reset with the
seeds 0 to 99: what the example `train` of the crate `experts` prints for ours.
"""

import argparse
import importlib.metadata
import json
import time

import gymnasium
import numpy
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize


def schedule(value):
    """rl-zoo's `lin_0.001`: falls to 0 over the run."""
    if isinstance(value, str):
        initial = float(value.removeprefix("lin_"))
        return lambda remaining: initial * remaining
    return value


def train(environment, config, seed):
    """A trained model, its normalization and the seconds that `learn` took, by the clock and of CPU time."""
    lanes = make_vec_env(environment, n_envs=config["n_envs"], seed=seed)
    if config["normalize"]:
        lanes = VecNormalize(lanes, gamma=config["gamma"])
    arguments = {
        name: config[name]
        for name in (
            "n_steps batch_size n_epochs gamma gae_lambda normalize_advantage ent_coef vf_coef max_grad_norm target_kl "
            "use_sde sde_sample_freq"
        ).split()
    }
    model = PPO(
        "MlpPolicy",
        lanes,
        learning_rate=schedule(config["learning_rate"]),
        clip_range=schedule(config["clip_range"]),
        policy_kwargs={
            "log_std_init": config["log_std_init"],
            "ortho_init": config["ortho_init"],
            "activation_fn": {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[config["activation_fn"]],
            "net_arch": config["net_arch"],
        },
        seed=seed,
        device="cpu",
        **arguments,
    )
    clock, cpu = time.perf_counter(), time.process_time()
    model.learn(config["n_timesteps"])
    seconds = time.perf_counter() - clock, time.process_time() - cpu
    return model, lanes if config["normalize"] else None, seconds


def evaluate(environment, model, normalization, episodes=100):
    """Returns of deterministic episodes, played side by side."""
    lanes = [gymnasium.make(environment) for _ in range(episodes)]
    observations = numpy.stack([lane.reset(seed=seed)[0] for seed, lane in enumerate(lanes)])
    returns, running = numpy.zeros(episodes), list(range(episodes))
    while running:
        rows = observations[running]
        if normalization is not None:
            rows = normalization.normalize_obs(rows)
        actions, _ = model.predict(rows, deterministic=True)
        left = []
        for lane, action in zip(running, actions):
            observations[lane], reward, terminated, truncated, _ = lanes[lane].step(action)
            returns[lane] += reward
            if not (terminated or truncated):
                left.append(lane)
        running = left
    return returns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment")
    parser.add_argument("--config", required=True, help="ID.json of a bundled expert, or a file of hyper-parameters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--timesteps", type=int)
    parser.add_argument("--threads", type=int, default=1, help="torch's: more wait for each other in networks this small")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with open(arguments.config) as file:
        config = json.load(file)
    config = config.get("config", config)
    config["n_timesteps"] = arguments.timesteps or config["n_timesteps"]
    packages = ["stable-baselines3", "torch", "gymnasium", "mujoco", "numpy"]
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        model, normalization, (clock, cpu) = train(arguments.environment, config, seed)
        returns = evaluate(arguments.environment, model, normalization)
        line = {
            "environment": arguments.environment, "seed": seed, "timesteps": model.num_timesteps, "seconds": clock,
            "cpu_seconds": cpu, "return": returns.mean(), "return_std": returns.std(ddof=1),
            "versions": {package: importlib.metadata.version(package) for package in packages},
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
