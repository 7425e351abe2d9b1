"""kanrl's environments in Gymnasium's registry."""

from kanrl._kanrl import environments


def register():
    """Registers every environment as `kanrl/ID`."""
    from gymnasium.envs.registration import register, registry

    for identifier in environments():
        if f"kanrl/{identifier}" not in registry:
            register(
                f"kanrl/{identifier}",
                entry_point="kanrl._gymnasium:RustEnv",
                vector_entry_point="kanrl._gymnasium:RustVectorEnv",
                kwargs={"identifier": identifier},
            )
