"""The exceptions that kanrl raises. Their messages are those of the command line."""


class KanrlError(Exception):
    """The base class. `help` says how to fix the problem, if that is known."""

    def __init__(self, message, help=None):
        super().__init__(message if help is None else f"{message}\nhelp: {help}")
        self.help = help


class InputError(KanrlError, ValueError):
    """An argument, a config, or a file is invalid; nothing was computed."""


class RunError(KanrlError, RuntimeError):
    """A run failed; its finished stages are kept."""
