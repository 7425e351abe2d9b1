"""Gymnasium's entry point: `gym.make("kanrl/CartPole-v1")`. Runs while Gymnasium is being imported."""

from kanrl._kanrl import environments


def register():
    """Registers every environment as `kanrl/ID`."""
    from gymnasium.envs.registration import register as register_one

    for identifier in environments():
        register_one(
            identifier,
            entry_point="kanrl._gymnasium:RustEnv",
            vector_entry_point="kanrl._gymnasium:RustVectorEnv",
            kwargs={"identifier": identifier},
        )
