"""`python -m kanrl`: the `kanrl` command."""

from kanrl._command import main

main()
