"""Formulas as SymPy expressions."""

from kanrl._optional import needed


def expressions(module, names):
    """The outputs of a module that kanrl wrote, by their names in the formula."""
    needed("sympy", "sympy")
    namespace = {}
    exec(compile(module, "<formula>", "exec"), namespace)  # Written by kanrl from a checked expression tree.
    return dict(zip(names, namespace["outputs"]))
