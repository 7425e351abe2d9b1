"""Real Stable-Baselines3 and torch: run where they are installed."""

import signal
import subprocess
import sys

import numpy as np
import pytest

import kanrl
from conftest import SMALL
from test_experts import NAMES, limited

sb3 = pytest.importorskip("stable_baselines3")
import torch  # noqa: E402


def trained(discrete, wrap=lambda env: env):
    torch.set_num_threads(1)
    env = wrap(sb3.common.vec_env.DummyVecEnv([lambda: limited(discrete=discrete)] * 4))
    model = sb3.PPO("MlpPolicy", env, n_steps=128, seed=0, device="cpu")
    return model.learn(2048)


@pytest.fixture(scope="module", params=[True, False], ids=["discrete", "box"])
def model(request):
    return trained(request.param)


def test_an_agent_in_an_environment_that_kanrl_does_not_know(model, tmp_path):
    discrete = hasattr(model.action_space, "n")
    env = limited(discrete=discrete)
    run = kanrl.extract(env, expert=model, config=SMALL, out=tmp_path / "run", progress=False, **NAMES)
    states = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    theirs = model.predict(states, deterministic=True)[0]
    own = run.expert.predict(states)[0]
    assert own.shape == theirs.shape and own.dtype == theirs.dtype and np.allclose(own, theirs, atol=1e-5)
    # Read as data from the archive that stands beside the run, so that it is resumed without the program.
    assert run.config["expert"]["kind"] == "sb3"
    assert run.expert.score_kind is not None
    assert run.formula.observation_names == ["place", "speed"]
    comparison = kanrl.compare(run.expert, run.formula, env, episodes=5)
    assert 0.0 <= comparison.fidelity_own_states <= 1.0
    assert "policy_action" in run.formula.to("c")
    saved = kanrl.policy(next((tmp_path / "experts").glob("*/model.zip")), env)
    assert np.allclose(saved.predict(states)[0], theirs, atol=1e-5)


def test_normalized_observations_are_part_of_the_expert(tmp_path):
    from stable_baselines3.common.vec_env import VecNormalize

    model = trained(False, lambda env: VecNormalize(env, norm_reward=False))
    run = kanrl.extract(limited(discrete=False), model, config=SMALL, out=tmp_path / "run", progress=False)
    states = np.random.default_rng(0).uniform(-1, 1, size=(50, 2))
    normalized = model.get_vec_normalize_env().normalize_obs(states)
    theirs = model.predict(normalized, deterministic=True)[0]
    assert np.allclose(run.expert.predict(states)[0], theirs, atol=1e-5)


def test_a_torch_module(tmp_path):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3))
    module.train()
    policy = kanrl.policy(module, limited())
    states = np.random.default_rng(0).uniform(-1, 1, size=(100, 2))
    module.eval()
    with torch.no_grad():
        scores = module(torch.as_tensor(states, dtype=torch.float32)).numpy()
    assert np.allclose(policy.scores(states), scores, atol=1e-6)
    assert (policy.predict(states)[0] == scores.argmax(axis=1)).all()


@pytest.mark.parametrize("name", ["TRPO", "QRDQN", "TQC", "ARS", "MaskablePPO"])
def test_an_agent_of_sb3_contrib(name, tmp_path):
    contrib = pytest.importorskip("sb3_contrib")
    torch.set_num_threads(1)
    discrete = name != "TQC"
    options = {"QRDQN": {"learning_starts": 100}, "TQC": {"learning_starts": 100}, "TRPO": {"n_steps": 128}}
    policy = "LinearPolicy" if name == "ARS" else "MlpPolicy"
    model = getattr(contrib, name)(policy, limited(discrete=discrete), seed=0, device="cpu", **options.get(name, {}))
    model.learn(300, **({"use_masking": False} if name == "MaskablePPO" else {}))
    env = limited(discrete=discrete)
    run = kanrl.extract(env, expert=model, config=SMALL, out=tmp_path / "run", progress=False)
    states = np.random.default_rng(0).uniform(-1, 1, size=(100, 2))
    theirs = model.predict(states, deterministic=True)[0]
    own = run.expert.predict(states)[0]
    assert own.shape == theirs.shape and np.allclose(own, theirs, atol=1e-5)
    assert run.formula.predict(states)[0].shape == theirs.shape


def test_an_agent_that_remembers_is_refused(tmp_path):
    contrib = pytest.importorskip("sb3_contrib")
    model = contrib.RecurrentPPO("MlpLstmPolicy", limited(), n_steps=64, seed=0, device="cpu")
    with pytest.warns(UserWarning), pytest.raises(kanrl.InputError, match="remembers"):
        kanrl.extract(limited(), expert=model, config=SMALL, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_network_in_an_onnx_file(tmp_path):
    pytest.importorskip("onnx")
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).eval()
    axes = {"observation": {0: "batch"}, "scores": {0: "batch"}}
    names = {"input_names": ["observation"], "output_names": ["scores"], "dynamic_axes": axes}
    torch.onnx.export(module, (torch.zeros(1, 2),), str(tmp_path / "network.onnx"), dynamo=False, **names)
    states = np.random.default_rng(0).uniform(-1, 1, size=(100, 2))
    with torch.no_grad():
        scores = module(torch.as_tensor(states, dtype=torch.float32)).numpy()
    policy = kanrl.policy(tmp_path / "network.onnx", limited())
    assert np.allclose(policy.scores(states), scores, atol=1e-5)
    assert (policy.predict(states)[0] == scores.argmax(axis=1)).all()
    run = kanrl.extract(limited(), tmp_path / "network.onnx", config=SMALL, out=tmp_path / "run", progress=False)
    assert run.config["expert"]["kind"] == "onnx" and (run.expert.predict(states)[0] == scores.argmax(axis=1)).all()


INTRODUCTION = """
from kanrl.pykan import *
torch.set_default_dtype(torch.float64)
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
model = KAN(width=[2,5,1], grid=3, k=3, seed=42, device=device)
f = lambda x: torch.exp(torch.sin(torch.pi*x[:,[0]]) + x[:,[1]]**2)
dataset = create_dataset(f, n_var=2, device=device)
dataset['train_input'].shape, dataset['train_label'].shape
model(dataset['train_input'])
model.plot()
model.fit(dataset, opt="LBFGS", steps=50, lamb=0.001)
model.plot()
model = model.prune()
model.plot()
model.fit(dataset, opt="LBFGS", steps=50)
model = model.refine(10)
model.fit(dataset, opt="LBFGS", steps=50)
lib = ['x','x^2','x^3','x^4','exp','log','sqrt','tanh','sin','abs']
model.auto_symbolic(lib=lib)
model.fit(dataset, opt="LBFGS", steps=50)
formula = ex_round(model.symbolic_formula()[0][0],4)
loss = torch.mean((model(dataset['test_input']) - dataset['test_label'])**2).item()
"""


def test_pykan_s_introduction_runs_with_another_import():
    sympy = pytest.importorskip("sympy")
    before = torch.get_default_dtype()
    space = {}
    try:
        exec(INTRODUCTION, space)
    finally:
        torch.set_default_dtype(before)
    assert space["loss"] < 1e-6
    x_1, x_2 = sympy.symbols("x_1 x_2")
    right = sympy.exp(sympy.sin(sympy.pi * x_1) + x_2**2)
    points = np.random.default_rng(1).uniform(-1, 1, size=(200, 2))
    own, wanted = (sympy.lambdify((x_1, x_2), found, "numpy")(*points.T) for found in (space["formula"], right))
    assert np.abs(own - wanted).max() < 5e-3


RESUMED = """
import sys, kanrl, torch
torch.set_num_threads(1)
from stable_baselines3 import PPO
sys.path.insert(0, sys.argv[2])
from conftest import SMALL
from test_experts import limited
config = {**SMALL, "polish": {"environment_steps": 10**12}}
model = PPO.load(sys.argv[3], device="cpu")
said = lambda event: print(event["event"], flush=True)
try:
    kanrl.extract(limited(), model, out=sys.argv[1], config=config, callback=said, progress=False)
except KeyboardInterrupt as error:
    print("interrupted", error, flush=True)
"""


def test_a_run_with_an_agent_goes_on_after_ctrl_c(tmp_path):
    model = trained(True)
    model.save(tmp_path / "ppo.zip")
    tests = str(__file__).rsplit("/", 1)[0]
    command = [sys.executable, "-c", RESUMED, str(tmp_path / "run"), tests, str(tmp_path / "ppo.zip")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("stage_finished"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() == 0 and "interrupted" in rest, process.stderr.read()
    assert kanrl.Run(tmp_path / "run").state == "cancelled"
    # The expert is in the file that was saved; only the environment lives in the program.
    events = []
    with pytest.raises(RuntimeError, match="far enough"):
        kanrl.resume(tmp_path / "run", env=limited(), progress=False, callback=lambda event: until_new(event, events))
    assert any(event["event"] == "stage_finished" and event["reused"] for event in events)


def until_new(event, events):
    """Ends the run after the first stage that was not reused."""
    events.append(event)
    if event["event"] == "stage_started" and any(past.get("reused") for past in events):
        raise RuntimeError("far enough")
