"""The form of the source, as functions from text to faults.

Each rule takes source text and returns what is wrong with it, so that each is itself tested with a
planted fault (`test_rules.py`). What ruff, mypy and import-linter already hold is not repeated
here, with one exception: calls that would let time, chance or the disk in by a side door.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Set

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500

# Names that say nothing of what a file holds.
EMPTY_WORDS = {
    *("util", "utils", "helper", "helpers", "common", "misc"),
    *("manager", "managers", "handler", "handlers"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of a module, methods and inner ones too."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def long_functions(source: str) -> list[str]:
    """A function fits on a screen."""
    faults = []
    for function in functions(ast.parse(source)):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            faults.append(f"{function.name} has {lines} lines, over {FUNCTION_LINES_MAX}")
    return faults


def long_file(source: str) -> list[str]:
    """A file can be read in one sitting."""
    lines = source.count("\n")
    return [f"{lines} lines, over {FILE_LINES_MAX}"] if lines > FILE_LINES_MAX else []


def empty_name(path: str) -> list[str]:
    """A file is named for the noun or the verb that it holds."""
    words = set(re.split(r"[/._-]", path.lower()))
    return [f"the name says nothing: {word}" for word in sorted(words & EMPTY_WORDS)]


def comments(source: str) -> list[str]:
    """The comments of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def leftovers(source: str) -> list[str]:
    """What is left to do has an issue; what is switched off has a reason."""
    patterns = {
        r"\b(TODO|FIXME|XXX|HACK)\b(?!\(\d+\))": "no issue number",
        r"\bnoqa\b(?!: ?[A-Z])": "a noqa for everything",
        r"\bpragma: no cover\s*$": "no reason for the missing cover",
    }
    return [
        f"{why}: {comment}"
        for comment in comments(source)
        for pattern, why in patterns.items()
        if re.search(pattern, comment)
    ]


# --- what a module calls --------------------------------------------------------------------------


def import_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name of a module stands for, spelled in full."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of `a.b.c`; empty for what is no such chain of names."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value, names)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def uses(tree: ast.AST) -> set[str]:
    """Every imported or builtin thing that a module names, spelled in full."""
    names = import_names(tree)
    chains = (node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    return {dotted(node, names) for node in chains} | set(names.values())


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


WORLD = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time)(_ns)?"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)"
    r"|random\..*|secrets\.(token_.*|choice|randbelow|randbits)|uuid\.uuid[14]"
    r"|os\.(environ|environb|getenv|urandom|getrandom)(\..*)?"
)


def world_calls(source: str) -> list[str]:
    """Time, chance and the environment come in as arguments; only the edge asks the world."""
    used = uses(ast.parse(source))
    return [f"asks the world: {name}" for name in sorted(used) if WORLD.fullmatch(name)]


WRITING = re.compile(
    r"os\.(fsync|fdatasync|sync|rename|renames|replace|link|symlink|truncate|ftruncate"
    r"|write|pwrite|writev|pwritev|sendfile|O_WRONLY|O_RDWR|O_CREAT|O_APPEND|O_TRUNC)"
    r"|shutil\.(copy|copy2|copyfile|copyfileobj|copytree|move)|tempfile\..*"
)
WRITING_METHODS = {"write_text", "write_bytes", "rename", "touch", "symlink_to", "hardlink_to"}


def open_mode(call: ast.Call, position: int) -> str:
    """The mode that an `open` is called with; "?" if it is no constant."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    given += call.args[position : position + 1]
    if not given:
        return "r"
    mode = given[0]
    return mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "?"


def writing_call(call: ast.Call) -> str:
    """The name of what this call writes with; empty if it does not write."""
    if isinstance(call.func, ast.Name):
        return "open" if call.func.id == "open" and set(open_mode(call, 1)) & set("wax+?") else ""
    if not isinstance(call.func, ast.Attribute):
        return ""
    method = call.func.attr
    # `str.replace` takes two arguments, `dataclass` and `datetime` take keywords; a path takes one.
    path_replace = method == "replace" and len(call.args) == 1 and not call.keywords
    path_open = method == "open" and bool(set(open_mode(call, 0)) & set("wax+"))
    return method if method in WRITING_METHODS or path_replace or path_open else ""


def file_writes(source: str) -> list[str]:
    """Only `stores/durable.py` opens files for writing, fsyncs and renames (I1)."""
    tree = ast.parse(source)
    named = {name for name in uses(tree) if WRITING.fullmatch(name)}
    called = {name for name in map(writing_call, calls(tree)) if name}
    return [f"writes a file itself: {name}" for name in sorted(named | called)]


READING = re.compile(r"open|io\.open|os\.open|sqlite3(\..*)?|shutil\.copy.*")


def catalog_opens(source: str) -> list[str]:
    """A module that knows where a catalog lies opens files with apsw alone.

    A second open and close of a database file, by whatever means, drops the POSIX locks that
    SQLite holds on it in this process, and another process could then write beside us.
    """
    tree = ast.parse(source)
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    used = uses(tree)
    faults = ["uses sqlite3 beside apsw"] if "sqlite3" in used else []
    if not any(
        isinstance(text, str) and "catalog.db" in text and "\n" not in text for text in texts
    ):
        return faults
    plain = {name for name in used if READING.fullmatch(name) and name != "sqlite3"}
    methods = {"read_bytes", "read_text"}
    plain |= {c.func.attr for c in calls(tree) if isinstance(c.func, ast.Attribute)} & methods
    return faults + [f"could open a catalog without SQLite: {name}" for name in sorted(plain)]


# --- the tree as a whole --------------------------------------------------------------------------


def module_name(path: str) -> str:
    """`src/strongroom/base/errors.py` is `strongroom.base.errors`."""
    name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def dead_modules(sources: dict[str, str], entries: Iterable[str]) -> list[str]:
    """Every module is imported by another one, or is an entry."""
    alive = set(entries)
    for path, source in sources.items():
        importer = module_name(path)
        for name in import_names(ast.parse(source)).values():
            # `from a.b import c` may name a module c or a thing in a.b: both count.
            alive |= {name, name.rpartition(".")[0]} - {importer}
        alive |= plain_imports(source) - {importer}
    packages = {module_name(path) for path in sources if path.endswith("/__init__.py")}
    modules = {module_name(path) for path in sources} - packages
    return [f"nothing imports {module}" for module in sorted(modules - alive)]


def plain_imports(source: str) -> set[str]:
    """The modules of `import a.b.c`."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import))
    return {alias.name for node in nodes for alias in node.names}


# Put together from parts, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(r"(^|[^\w.])/(work|farm|root|home/[a-z]+)/", re.MULTILINE)
PACKAGE_HOST = re.compile(
    "|".join(("pypi" + r"\.org", "python" + "hosted", r"registry\." + "npmjs", r"deb\." + "debian"))
)


def places(text: str) -> list[str]:
    """Nothing in the tree depends on the machine on which it was written."""
    found = [match.group() for match in MACHINE_PATH.finditer(text)]
    found += [match.group() for match in PACKAGE_HOST.finditer(text)]
    return [f"names a place: {place.strip()}" for place in found]


# --- tests ----------------------------------------------------------------------------------------


def can_fail(function: Function, helpers: Set[str] = frozenset()) -> bool:
    """Whether a function compares anything, itself or through one of `helpers`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func, {}).rpartition(".")[2]
            known = r"(assert|check|expect|raises$|fail$|run_state_machine|live$|ok$)"
            if name in helpers or re.match(known, name):
                return True
    return False


def failing_helpers(tree: ast.AST) -> set[str]:
    """Name the functions of a module that can fail, also through one another."""
    helpers: set[str] = set()
    while True:
        found = {f.name for f in functions(tree) if can_fail(f, helpers)}
        if found <= helpers:
            return helpers
        helpers |= found


def idle_tests(source: str) -> list[str]:
    """A test must be able to fail."""
    tree = ast.parse(source)
    helpers = failing_helpers(tree)
    tests = (f for f in functions(tree) if f.name.startswith("test_"))
    return [f"{test.name} asserts nothing" for test in tests if not can_fail(test, helpers)]


def hidden_skips(source: str) -> list[str]:
    """A whole module that is skipped would not be counted: skip each test."""
    tree = ast.parse(source)
    faults = [f"hides its skips: {name}" for name in uses(tree) if name.endswith("importorskip")]
    keywords = (keyword.arg for call in calls(tree) for keyword in call.keywords)
    return faults + [
        "hides its skips: module level" for arg in keywords if arg == "allow_module_level"
    ]
