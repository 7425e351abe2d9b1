"""Students that learn from an expert in their own states."""

import numpy as np
import pytest

import kanrl


def test_a_network_learns_to_balance_the_pole():
    student = kanrl.KAN(width=[4, 2], grid=3, seed=0)
    heard = []
    trainer = kanrl.DAggerTrainer(
        env="CartPole-v1",
        expert="bundled",
        student=student,
        rng=0,
        round_steps=2000,
        validation_episodes=5,
        fit_options={"steps": 15},
        callback=heard.append,
    )
    policy = trainer.train(total_timesteps=8000)
    assert kanrl.evaluate(policy, "CartPole-v1", episodes=10).mean > 400
    assert heard == list(trainer.rounds) and len(heard) >= 2
    shares = [row["expert's share"] for row in trainer.rounds]
    assert shares[0] == 1.0 and shares == sorted(shares, reverse=True)
    assert trainer.rounds[-1]["steps"] >= 8000
    assert "mean return" in str(trainer.rounds)
    # The best one can become a formula.
    trainer.best.auto_symbolic(lib=["x"], verbose=0)
    assert trainer.best.formula(["x", "x_dot", "theta", "theta_dot"]).operations > 0


def test_the_same_seed_gives_the_same_rounds():
    def rounds():
        trainer = kanrl.DAggerTrainer(
            env="CartPole-v1",
            expert=lambda states: (states[:, 2] + states[:, 3] > 0).astype(int),
            student=kanrl.KAN(width=[4, 2], seed=1),
            rng=3,
            round_steps=500,
            validation_episodes=2,
            fit_options={"steps": 5},
        )
        trainer.train(1000)
        return list(trainer.rounds)

    assert rounds() == rounds()


def test_any_estimator_can_be_a_student():
    pytest.importorskip("sklearn")
    from sklearn.tree import DecisionTreeClassifier

    arguments = {"env": "CartPole-v1", "expert": "bundled", "round_steps": 2000, "validation_episodes": 3}
    trainer = kanrl.DAggerTrainer(student=DecisionTreeClassifier(random_state=0), **arguments)
    trainer.train(4000)
    assert trainer.rounds[-1]["mean return"] > 100
    arguments["env"], arguments["expert"] = "Pendulum-v1", "bundled"
    trainer = kanrl.DAggerTrainer(student=kanrl.KANRegressor(steps=5), **arguments)
    action, _ = trainer.train(2000).predict(np.zeros((5, 3)))
    assert action.shape == (5, 1) and np.abs(action).max() <= 2.0


def test_what_does_not_fit_is_named():
    with pytest.raises(kanrl.InputError, match="int is not a student"):
        kanrl.DAggerTrainer(env="CartPole-v1", expert="bundled", student=3)
    with pytest.raises(kanrl.InputError, match="did you mean `CartPole-v1`"):
        kanrl.DAggerTrainer(env="CartPole-v2", expert="bundled", student=kanrl.KAN([4, 2]))
    with pytest.raises(kanrl.InputError, match="share of 2"):
        kanrl.DAggerTrainer(env="CartPole-v1", expert="bundled", student=kanrl.KAN([4, 2]), expert_share=2)


def test_an_expert_that_raises_is_the_cause_and_nothing_is_lost():
    calls = []

    def tires(states):
        calls.append(1)
        if len(calls) > 2000:
            raise RuntimeError("enough")
        return (states[:, 2] + states[:, 3] > 0).astype(int)

    trainer = kanrl.DAggerTrainer(
        env="CartPole-v1",
        expert=tires,
        student=kanrl.KAN([4, 2]),
        round_steps=500,
        validation_episodes=2,
        fit_options={"steps": 3},
    )
    with pytest.raises(kanrl.RunError, match="RuntimeError: enough") as caught:
        trainer.train(10**6)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert trainer.policy is not None and len(trainer.rounds) >= 1
