"""Puts plausible faults into the code and counts those that the fast tests notice.

    .venv/bin/pip install -e ".[test,mutate]"
    .venv/bin/python .ci/mutate.py [--each 6] [--only tb_kernels/drawing] [--seed 0]

The faults are cosmic-ray's: another operator, comparison or number, a condition turned round.
A sample of each module is tried, in copies of the tree, each fault in a process forked from one
that has imported TensorFlow already, by the tests that go through the changed lines. Which those
are, and how long they take, is seen first in a run of all of them, unless `--seen` is the folder
with what such a run has left. What nobody could notice stands with its reason in
`.ci/equivalent_mutants.txt` and does not count; neither does a fault whose tests ran out of time.
Exit code 1 if a group is below its bar.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}

from cosmic_ray import plugins
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from coverage import CoverageData

ROOT = Path(__file__).resolve().parent.parent
NOTICED, MISSED, HUNG = "noticed", "not noticed", "ran out of time"

# A fault's tests run until they have taken so long in the run of all of them; what takes a
# multiple of it hangs.
SECONDS, MOST_SECONDS = 150, 420

# The groups with their bars, and the folders of each.
SEEN = "names, draws, indexes, selects, reads back, measures"
WRITTEN = "writes and logs"
BARS = {SEEN: 0.9, WRITTEN: 0.8}
FOLDERS = {
    SEEN: ("schema", "drawing", "reading", "model", "views", "figures", "viewer"),
    WRITTEN: ("writing", "loggers"),
}
# Of a file system afar, and what is empty.
LEFT_OUT = {"remote_source.py", "__init__.py"}

# What is run by a process that tells nothing of it: by whom that is started.
STARTED_BY = {"writing/hand.py": "writing/process.py"}

# What all modules of a folder must obey, also in what is done when they are imported.
LAWS = {"loggers": ["tests/loggers/test_keywords.py"]}

# It bounds the files of its own process, those of the record among them.
BOUNDED = "tests/writing/test_events.py"

OPTIONS = ["-q", "-p", "no:cacheprovider", "-m", "not slow"]

# A process that a test starts adds to the record what it goes through, as that test's.
COVERAGE = """[run]
source_pkgs = tb_kernels
patch = subprocess
parallel = true
context = ${PYTEST_CURRENT_TEST-}
data_file = {folder}/covered
"""


def watch(folder):
    """Runs all tests as they are, and leaves in a folder what they go through."""
    (folder / "coverage.ini").write_text(COVERAGE.replace("{folder}", str(folder)))
    command = [
        *(sys.executable, "-m", "pytest", *OPTIONS, "-n", "2", "--cov", "--cov-context=test"),
        *(f"--cov-config={folder}/coverage.ini", "--cov-report="),
        *(f"--junitxml={folder}/tests.xml", f"--basetemp={folder}/temporary"),
        *(f"--ignore={BOUNDED}", "tests"),
    ]
    subprocess.run(command, cwd=ROOT, check=False)


class Seen:
    """What tests go through, and how long they take.

    Args:
        folder: What `watch` has left.
    """

    def __init__(self, folder):
        self._data = CoverageData(str(folder / "covered"))
        self._data.read()
        # Wherever the tree was: by the path in it.
        self._files = {file.rpartition("/tb_kernels/")[2]: file for file in self._data.measured_files()}  # fmt: skip
        self._seconds, self._failed = {}, set()
        for case in ElementTree.parse(folder / "tests.xml").iter("testcase"):  # noqa: S314 (ours)
            file = case.get("classname").replace(".", "/") + ".py"
            if any(one.tag in ("failure", "error") for one in case):
                # It fails without a fault: it would notice nothing.
                self._failed |= {file, f"{file}::{case.get('name')}"}
            for name in (file, f"{file}::{case.get('name')}"):
                self._seconds[name] = self._seconds.get(name, 0) + float(case.get("time"))

    def tests_of(self, path, lines):
        """The tests that go through any of these lines: those of the module's folder first.

        What a fixture goes through is the matter of all tests of the file, since they may share
        it; what is done when the module is imported, of all that go through any of it.
        """
        name = f"{path.parent.name}/{path.name}"
        lines = () if name in STARTED_BY else lines
        by_line = self._data.contexts_by_lineno(self._files.get(STARTED_BY.get(name, name), ""))
        through = {test for line in lines for test in by_line.get(line, ()) if test}
        through = through or {test for tests in by_line.values() for test in tests if test}
        chosen = set()
        for test in through:
            # "tests/test_it.py::test_that|setup", or "... (setup)" of a process that it started.
            name, _, phase = test.rstrip(")").replace(" (", "|").rpartition("|")
            chosen.add(name.partition("::")[0] if phase == "setup" else name)
        own = f"tests/{path.parent.name}"
        ordered = sorted(
            (one for one in chosen - self._failed if one.partition("::")[0] not in chosen - {one}),
            key=lambda one: (not one.startswith(own), self._seconds.get(one, 0)),
        )
        taken, some = 0, []
        for one in ordered:
            some.append(one)
            taken += self._seconds.get(one, 0)
            if taken > SECONDS:
                break
        first = [f"{own}/test_{path.name}", *LAWS.get(path.parent.name, ())]
        first = [one for one in first if (ROOT / one).exists()]
        some = [*first, *(one for one in some if not one.startswith(tuple(first)))]
        # What only processes go through that tell nothing of it.
        return some or [own]


def lines_of(source, changed):
    """The lines of the statements that a fault changes: which of them runs is not told of each."""
    tree, told = ast.parse(source), set()
    numbers = {number for number, _, _ in changes_of(source, changed)}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno
            lines = set(range(node.lineno, max(end, node.lineno) + 1))
            told |= lines if lines & numbers else set()
    return told or numbers


def changes_of(source, changed):
    """What a fault changes: numbers of lines from 1, the lines before and after."""
    before, after = source.splitlines(), changed.splitlines()
    for kind, start, end, begin, finish in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():  # fmt: skip
        if kind != "equal":
            yield start + 1, before[start:end], after[begin:finish]


def meaning(source):
    """A module without what no test can notice: annotations, which nobody evaluates."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


class Places(Visitor):
    """Counts the places at which an operator can put a fault."""

    def __init__(self, operator):
        self.operator, self.count = operator, 0

    def visit(self, node):
        """Looks at one node of the source."""
        self.count += len(list(self.operator.mutation_positions(node)))
        return node


def faults_of(path, each, chance, known):
    """A sample of a module's mutants: in words, the source, and the lines that it changes."""
    source = path.read_text()
    original, places, tree = meaning(source), [], get_ast(source)
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        # Those that replace a variable need to be told which.
        if not operator.arguments():
            seen = Places(operator())
            seen.walk(tree)
            places += [(operator, occurrence) for occurrence in range(seen.count)]
    chance.shuffle(places)
    sample = []
    for operator, occurrence in places:
        if len(sample) == each:
            break
        changed = mutate_code(source, operator(), occurrence)
        try:
            if meaning(changed) == original:
                continue
        except SyntaxError:
            continue
        lines = [line for _, old, new in changes_of(source, changed) for line in (*old, *new)]
        told = f"{path.relative_to(ROOT)}: " + " => ".join(map(str.strip, lines))
        if told not in known:
            sample.append((told, changed, lines_of(source, changed)))
    return sample


def run(slot, path, changed, tests):
    """Starts the tests of a mutant; the process."""
    target = slot / path.relative_to(ROOT)
    shutil.rmtree(target.parent / "__pycache__", ignore_errors=True)
    target.write_text(changed)
    child = os.fork()
    if child:
        return child
    os.setsid()
    os.chdir(slot)
    sys.path.insert(0, str(slot))
    sys.dont_write_bytecode = True
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    import pytest

    os._exit(pytest.main([*OPTIONS, "-x", *tests]))


def finish(child, deadline):
    """What came of a mutant's tests: `NOTICED`, `MISSED` or `HUNG`; None while they run."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        # 5 says that there was no test, since all of them are slow.
        return MISSED if os.waitstatus_to_exitcode(status) in (0, 5) else NOTICED
    if time.monotonic() < deadline:
        return None
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HUNG


def sampled(options, seen):
    """The faults to be tried, in any order: so whoever breaks off has a sample of all modules."""
    known = {line.split(" | ")[0] for line in (ROOT / ".ci/equivalent_mutants.txt").read_text().splitlines()}  # fmt: skip
    chance, queue = random.Random(options.seed), []
    for group, folders in FOLDERS.items():
        for path in sorted(path for folder in folders for path in (ROOT / "tb_kernels" / folder).glob("*.py")):  # fmt: skip
            if path.name not in LEFT_OUT and str(path.relative_to(ROOT)).startswith(options.only):
                for told, changed, lines in faults_of(path, options.each, chance, known):
                    queue.append((group, path, told, changed, seen.tests_of(path, lines)))
    chance.shuffle(queue)
    return queue


def outcomes(queue, options):
    """Tries them; gives each with its outcome."""
    with tempfile.TemporaryDirectory() as work:
        free, running = [], {}
        for number in range(options.at_once):
            slot = Path(work) / str(number)
            shutil.copytree(ROOT, slot, ignore=shutil.ignore_patterns(".git", ".venv", "logs", "__pycache__"))  # fmt: skip
            (slot / "logs").mkdir(exist_ok=True)
            free.append(slot)
        until = time.monotonic() + options.minutes * 60
        while running or (queue and time.monotonic() < until):
            while queue and free and time.monotonic() < until:
                slot, mutant = free.pop(), queue.pop(0)
                _, path, _, changed, tests = mutant
                child = run(slot, path, changed, tests)
                running[child] = (slot, mutant, time.monotonic() + MOST_SECONDS)
            time.sleep(0.05)
            for child, (slot, mutant, deadline) in list(running.items()):
                outcome = finish(child, deadline)
                if outcome is not None:
                    path = mutant[1]
                    del running[child]
                    shutil.copy(path, slot / path.relative_to(ROOT))
                    free.append(slot)
                    yield mutant, outcome


def main():
    """Prints what each module's tests noticed, and what not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=6, help="mutants of a module")
    parser.add_argument("--only", default="tb_kernels", help="a folder or a module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600, help="after which no more is begun")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument(
        "--seen", type=Path, help="filled by a run of all tests, if it is not there"
    )
    options = parser.parse_args()
    # Imported once, for all of them.
    import hypothesis  # noqa: F401
    import keras  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        folder = options.seen or Path(folder)
        if not (folder / "tests.xml").exists():
            folder.mkdir(exist_ok=True)
            watch(folder)
        queue = sampled(options, Seen(folder))
    counts = {}
    for (group, path, told, _, tests), outcome in outcomes(queue, options):
        if outcome != HUNG:
            for key in (group, str(path.relative_to(ROOT))):
                done, noticed = counts.get(key, (0, 0))
                counts[key] = done + 1, noticed + (outcome == NOTICED)
        if outcome != NOTICED:
            print(f"{outcome} by {len(tests)}: {told}", flush=True)
    print("\n| module | noticed | of |\n| --- | --- | --- |")
    for key, (done, noticed) in sorted(counts.items(), key=lambda item: (item[0] in BARS, item[0])):
        share = f" ({noticed / done:.0%})" if key in BARS else ""
        print(f"| {key} | {noticed}{share} | {done} |")
    return any(counts[group][1] < bar * counts[group][0] for group, bar in BARS.items() if group in counts)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
