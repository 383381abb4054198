"""Compile templates to plain Python: a call is a call, a text is escaped once.

jinja2 looks at every call whether the function wants the context, checks the arguments of every
macro, and wraps every printed text in a Markup. None of our templates needs it, and it takes half
of a page's time. What a template means stays the same (tests/unit/test_templating.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.runtime import markup_join
from jinja2.utils import missing
from markupsafe import Markup, escape

PLAIN = frozenset({str, int})  # types that are no markup
_as_markup = str.__new__  # Markup() asks first whether a text is markup already
_escaped_text: Callable[[str], Markup] = lru_cache(maxsize=8192)(escape)


def escaped(value: Any) -> str:
    """Return what a template prints, escaped; markup stays as it is."""
    kind = value.__class__
    if kind is Markup:
        return value
    return _escaped_text(value) if kind is str else escape(value)


def joined(parts: tuple[Any, ...]) -> str:
    """Return the parts of a text as one; markup where one of them is."""
    if PLAIN.issuperset(map(type, parts)):
        return "".join(map(str, parts))
    return markup_join(parts)


class PlainMacro:
    """A macro with named arguments only, which returns markup."""

    __slots__ = ("_body", "_names")

    def __init__(self, body: Callable[..., str], names: tuple[str, ...]) -> None:
        self._body, self._names = body, names

    def __call__(self, *given: Any, **named: Any) -> Markup:
        """Return what the macro prints. Raises: TypeError for an argument that it does not have."""
        names = self._names
        if len(given) < len(names):
            given += tuple([named.pop(name, missing) for name in names[len(given) :]])
        if named:
            raise TypeError(f"a macro has no argument {', '.join(named)}, or has it twice")
        return _as_markup(Markup, self._body(*given))  # the body escapes what it prints


class PlainCodeGenerator(CodeGenerator):
    """Writes the Python of a template; its environment has `attribute`, `escaped`, `joined` and
    `macro`.
    """

    def visit_Call(  # noqa: N802 - the name that jinja2 calls
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        """Write a call as it stands: no function wants the context."""
        named = [each.key for each in node.kwargs]
        if forward_caller or node.dyn_args or node.dyn_kwargs or any(map(iskeyword, named)):
            super().visit_Call(node, frame, forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for each in (*node.args, *node.kwargs):
            self.visit(each, frame)
            self.write(", ")
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        """Write a name that no run need look at again: it does not begin with an underscore."""
        if node.attr.startswith("_"):
            super().visit_Getattr(node, frame)
            return
        self.write("environment.attribute(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r})")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        """Write texts that are joined."""
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super().visit_Concat(node, frame)
            return
        self.write("environment.joined((")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """Write a macro that knows its arguments."""
        if macro_ref.accesses_kwargs or macro_ref.accesses_varargs or macro_ref.accesses_caller:
            super().macro_def(macro_ref, frame)
            return
        names = tuple(each.name for each in macro_ref.node.args)
        self.write(f"environment.macro(macro, {names!r})")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")
