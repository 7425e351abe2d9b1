"""What kanrl raises. The texts are the command line's."""


class KanrlError(Exception):
    """Something that kanrl could not do. `help` says how to fix it, where that is known."""

    def __init__(self, message, help=None):
        super().__init__(message if help is None else f"{message}\nhelp: {help}")
        self.help = help


class InputError(KanrlError, ValueError):
    """An argument, a config or a file does not fit; nothing was computed."""


class RunError(KanrlError, RuntimeError):
    """Something failed on the way; what was finished before it is kept."""
