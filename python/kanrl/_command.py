"""The `kanrl` command, which is part of the extension module."""

import os
import signal
import sys
import sysconfig

from kanrl import _kanrl


def main():
    """Runs the command with the arguments of this process, and ends it."""
    # The command handles Ctrl-C itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _kanrl.command(_program(), sys.argv[1:])


def _program():
    """The executable by which the command starts itself again."""
    script = os.path.abspath(sys.argv[0])
    is_module = script.endswith(".py")
    return os.path.join(sysconfig.get_path("scripts"), "kanrl") if is_module else script
