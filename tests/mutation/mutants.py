"""The mutants of a module: copies of it with one small change each, as a slip of the pen would make it.

What nothing depends on but people is left as it is: strings, what f-strings and `__str__` show, what an exception says,
annotations, decorators and docstrings.
"""

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
TWINS = [("min", "max"), ("minimum", "maximum"), ("any", "all"), ("ceil", "floor"), ("argmin", "argmax")]
OTHERS = {name: other for pair in TWINS for name, other in (pair, pair[::-1])}
"""What a function is taken for."""

WRAPPERS = {"abs", "sorted", "round", "sqrt", "set"}
"""Functions that are left out around their argument."""

NOT_FINITE = {"inf": "-inf", "-inf": "inf", "nan": "0"}

UNTOUCHED = {
    ast.JoinedStr: {"values"},
    ast.Raise: {"exc", "cause"},
    ast.arg: {"annotation"},
    ast.AnnAssign: {"annotation"},
    ast.FunctionDef: {"decorator_list", "returns"},
    ast.ClassDef: {"decorator_list", "bases", "keywords"},
}
"""The parts of the syntax that no mutant changes."""


@dataclass(frozen=True)
class Mutant:
    """One change to a module: another node in the `field` (and there at the `place`) of a node of its syntax tree.

    function: the outermost function, or method, that it is in the body of: `function` or `Class.method`; "" of what is
        executed on import.
    lines: the first and the last line of the statement, or of its head: a test that executes none of them cannot tell.
    line: the text of the line that the changed part begins in.
    mutation: that part before and after.
    """

    function: str
    lines: tuple[int, int]
    line: str
    mutation: str
    parent: ast.AST
    field: str
    place: int | None
    node: ast.AST

    def plant(self) -> None:
        """Change the tree, for good."""
        if self.place is None:
            setattr(self.parent, self.field, self.node)
        else:
            getattr(self.parent, self.field)[self.place] = self.node


def mutants(tree: ast.Module, source: str) -> list[Mutant]:
    """Return the mutants of a module, in the order of its lines; *tree* is that of its *source*."""
    return list(_Walk(source.splitlines()).of(tree, "", (0, 0)))


class _Walk:
    """A walk through a syntax tree, which knows what is around a node."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.within: list[ast.AST] = []
        """The nodes around, the nearest last."""
        self.reassigned: set[str] = set()

    def of(self, node: ast.AST, function: str, lines: tuple[int, int]) -> Iterator[Mutant]:
        """Yield the mutants of all that *node* holds."""
        self.within.append(node)
        for field, value in ast.iter_fields(node):
            if field in UNTOUCHED.get(type(node), ()):
                continue
            for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.AST):
                    yield from self._child(node, field, place, child, self._function(function, field), lines)
        self.within.pop()

    def _child(
        self, parent: ast.AST, field: str, place: int | None, node: ast.AST, function: str, lines: tuple[int, int]
    ) -> Iterator[Mutant]:
        if _is_text(node) or _is_alias(node) or (isinstance(node, ast.FunctionDef) and node.name == "__str__"):
            return
        if isinstance(node, ast.keyword) and node.arg == "strict" and _is_true(node.value):
            return  # `zip` asserts there what is known
        if isinstance(node, ast.stmt | ast.match_case):
            lines = _head(node)
        if isinstance(node, ast.FunctionDef) and not function:
            self.reassigned = _reassigned(node)
        for new, told in self._instead(node, parent, field):
            text = self.lines[(node.lineno if hasattr(node, "lineno") else lines[0]) - 1].strip()
            yield Mutant(function, lines, text, told or f"{_text(node)} → {_text(new)}", parent, field, place, new)
        yield from self.of(node, function, lines)

    def _function(self, function: str, field: str) -> str:
        """Return the outermost function around, of what is in this *field* of the innermost node around."""
        names = [node.name for node in self.within if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        if function or not isinstance(self.within[-1], ast.FunctionDef) or field != "body":
            return function
        return ".".join(names)

    def _instead(self, node: ast.AST, parent: ast.AST, field: str) -> Iterator[tuple[ast.AST, str]]:
        """Yield what could stand in the place of *node*, with a text where the change itself does not tell enough."""
        if isinstance(node, ast.stmt):
            yield from self._statements(node)
        elif isinstance(node, ast.comprehension):
            for number, condition in enumerate(node.ifs):
                without = _with(node, ifs=[one for one in node.ifs if one is not condition])
                yield without, f"if {_text(condition)} → nothing"
                if not _negates_itself(condition):
                    ifs = [*node.ifs[:number], _not(condition), *node.ifs[number + 1 :]]
                    yield _with(node, ifs=ifs), f"if {_text(condition)} → if not {_text(condition)}"
        elif isinstance(node, ast.MatchOr):
            for pattern in node.patterns:
                left = [one for one in node.patterns if one is not pattern]
                yield (left[0] if len(left) == 1 else ast.MatchOr(left)), ""
        elif isinstance(node, ast.expr):
            if (field == "test" and not _negates_itself(node)) or (field == "value" and self._is_truth(node, parent)):
                yield _not(node), ""
            for new in _expressions(node, parent):
                yield new, ""
            for new, what in _shortened(node, parent):
                yield new, f"without {what}"

    def _is_truth(self, node: ast.expr, parent: ast.AST) -> bool:
        """Return whether *node* is what a function returns as true or false."""
        if not isinstance(parent, ast.Return) or _negates_itself(node):
            return False
        returns = next(one for one in reversed(self.within) if isinstance(one, ast.FunctionDef)).returns
        return isinstance(returns, ast.Name) and returns.id == "bool"

    def _statements(self, node: ast.stmt) -> Iterator[tuple[ast.AST, str]]:
        nothing = ast.Pass(), f"{_text(node).splitlines()[0]} → nothing"
        match node:
            case ast.Return(value=value) if value is not None and not _is_false(value):
                yield ast.Return(ast.Constant(None)), "return … → return None"
            case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
                pass  # no value gets there
            case ast.Expr() | ast.Raise() | ast.Delete() | ast.Assert():
                yield nothing
            case ast.Continue():
                yield ast.Break(), ""
            case ast.Break():
                yield ast.Continue(), ""
            case ast.AugAssign(op=op):
                yield nothing
                yield _with(node, op=ARITHMETIC[type(op)]()), ""
            case ast.Assign(targets=[target]):
                if not isinstance(target, ast.Name) or target.id in self.reassigned:
                    yield nothing


def _expressions(node: ast.expr, parent: ast.AST) -> Iterator[ast.expr]:
    """Yield what could stand in the place of an expression."""
    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield _with(node, ops=[*ops[:number], other(), *ops[number + 1 :]])
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for value in values:
                left = [one for one in values if one is not value]
                yield left[0] if len(left) == 1 else _with(node, values=left)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right) if _is_class(right):
            yield left
            yield right
        case ast.BinOp(op=op, left=left, right=right):
            if type(op) in ARITHMETIC and not any(_is_text(side) for side in (left, right)):
                yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=value):
            for other in _constants(value):
                yield ast.Constant(other)
        case ast.Call():
            yield from _calls(node)


def _shortened(node: ast.expr, parent: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield a display or a call without one of its elements or arguments, and which."""
    looked_through = isinstance(parent, ast.Compare) or node is getattr(parent, "iter", None)
    match node:
        case ast.Tuple(elts=parts) if not looked_through:
            pass  # what is unpacked, or has its places
        case ast.Set(elts=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts) if len(parts) > 1:
            for part in parts:
                yield _with(node, elts=[one for one in parts if one is not part]), _text(part)
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            for number, (key, value) in enumerate(zip(keys, values, strict=True)):
                less = {"keys": keys[:number] + keys[number + 1 :], "values": values[:number] + values[number + 1 :]}
                yield _with(node, **less), _text(key or value)
        case ast.Call(args=given, keywords=keywords):
            for keyword in keywords:
                if keyword.arg == "strict":
                    continue  # asserts, or says that nothing is asserted
                yield _with(node, keywords=[one for one in keywords if one is not keyword]), _text(keyword)
            if len(given) > 1:
                yield _with(node, args=given[:-1]), f"{_text(given[-1])}, the last argument of {_text(node.func)}"


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    """Yield a call of another function, and the argument without the call."""
    called = node.func
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if name in OTHERS:
        other = _with(called, **{"id" if isinstance(called, ast.Name) else "attr": OTHERS[name]})
        yield _with(node, func=other)
    if name in WRAPPERS and len(node.args) == 1 and not isinstance(node.args[0], ast.GeneratorExp | ast.Starred):
        yield node.args[0]


def _constants(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    if isinstance(value, float):
        return (2 * value, value / 2) if value else (1.0,)
    return (NOT_FINITE[value],) if value in NOT_FINITE else ()


def _head(node: ast.stmt | ast.match_case) -> tuple[int, int]:
    """Return the lines of a statement, without those of the statements that it holds."""
    first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return first, node.end_lineno
    inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
    return first, max(first, inner - 1)


def _reassigned(function: ast.FunctionDef) -> set[str]:
    """Return the names that have another value without one of the assignments to them."""
    stored = [one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    given = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg)}
    return {name for name in stored if stored.count(name) > 1 or name in given}


def _is_text(node: ast.AST) -> bool:
    """Return whether *node* is text for people, a docstring or what messages are made of."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in NOT_FINITE


def _is_alias(node: ast.AST) -> bool:
    """Return whether *node* names a type, written like a class: `Place = tuple[int, int]`; or lists what is public."""
    name = node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(name, ast.Name):
        return False
    return name.id == "__all__" or (name.id[0].isupper() and not name.id.isupper() and "_" not in name.id)


def _is_class(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id[0].isupper() and not node.id.isupper()


def _is_false(node: ast.expr) -> bool:
    """Return whether *node* is None, or as good as None to who asks whether it is true."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _negates_itself(node: ast.expr) -> bool:
    """Return whether another mutant of *node* is its negation."""
    return (isinstance(node, ast.Compare) and len(node.ops) == 1) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _not(node: ast.expr) -> ast.UnaryOp:
    return ast.UnaryOp(ast.Not(), node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """Return a copy of *node* with other *fields*."""
    other = copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _text(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(copy(node)))
