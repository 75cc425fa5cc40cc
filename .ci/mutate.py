"""Puts plausible faults into the code and counts those that the fast tests notice.

    .venv/bin/pip install -e ".[test,mutate]"
    .venv/bin/python .ci/mutate.py [--each 6] [--only tb_kernels/drawing] [--seed 0]

The faults are cosmic-ray's: another operator, comparison or number, a condition turned round.
A sample of each module is tried, in copies of the tree, each fault in a process forked from one
that has imported TensorFlow already. What nobody could notice stands with its reason in
`.ci/equivalent_mutants.txt` and does not count; neither does one whose tests ran out of time.
Exit code 1 if a group is below its bar.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}

from cosmic_ray import plugins
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 420
NO_FAULT = "no fault"
NOTICED, MISSED, HUNG = "noticed", "not noticed", "ran out of time"

# Groups with their bars: folders or modules, and the tests that are to notice, the likeliest first.
SEEN = "names, draws, indexes, selects, reads back, measures"
WRITTEN = "writes and logs"
BARS = {SEEN: 0.9, WRITTEN: 0.8}
TESTS = {
    "schema": (SEEN, "schema writing/test_events.py reading/test_weights.py reading/test_newest.py loggers/test_choice.py loggers/test_keywords.py views/test_kernels.py loggers/test_trainings.py loggers/test_last_and_final.py writing/test_portable.py"),
    "drawing": (SEEN, "drawing loggers/test_keywords.py reading/test_weights.py views/test_heatmaps.py views/test_kernels.py loggers/test_too_large.py loggers/test_notice.py views/test_examples.py"),
    "reading": (SEEN, "reading whole/test_hostile.py whole/test_paths.py report/test_context.py report/test_figures.py loggers/test_trainings.py loggers/test_last_and_final.py"),
    "model": (SEEN, "model views/test_activations.py views/test_zoo.py loggers/test_arguments.py loggers/test_choice.py views/test_gradients.py views/test_heatmaps.py views/test_expanded.py views/test_patterns.py loggers/test_trainings.py"),
    "views": (SEEN, "views loggers/test_kernels.py"),
    "figures": (SEEN, "figures/test_figure.py figures/test_saving.py figures/test_curves.py report/test_context.py figures/test_layout.py figures/test_pixels.py report/test_figures.py"),
    "viewer": (SEEN, "viewer/test_answers.py viewer/test_embedding.py report/test_page.py"),
    "writing": (WRITTEN, "writing loggers/test_kernels.py loggers/test_told.py loggers/test_failures.py loggers/test_hanging_disk.py loggers/test_memory.py loggers/test_too_large.py whole/test_paths.py loggers/test_arguments.py"),
    "loggers": (WRITTEN, "loggers writing/test_two_writers.py commands/test_log.py views/test_patterns.py"),
}  # fmt: skip
# Of a file system afar, and what is empty.
LEFT_OUT = {"remote_source.py", "__init__.py"}


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
    """A sample of a module's mutants: the changed lines, and the source."""
    source = path.read_text()
    original, places = meaning(source), []
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        # Those that replace a variable need to be told which.
        if not operator.arguments():
            seen = Places(operator())
            seen.walk(get_ast(source))
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
        lines = [
            line
            for line in difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
            if line[0] in "+-" and not line.startswith(("+++", "---"))
        ]  # fmt: skip
        told = f"{path.relative_to(ROOT)}: " + " => ".join(line[1:].strip() for line in lines)
        if told not in known:
            sample.append((told, changed))
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

    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    os._exit(pytest.main([*options, *(f"tests/{test}" for test in tests.split())]))


def finish(child, deadline):
    """What came of a mutant's tests: `NOTICED`, `MISSED` or `HUNG`; None while they run."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        return NOTICED if os.waitstatus_to_exitcode(status) else MISSED
    if time.monotonic() < deadline:
        return None
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HUNG


def main():
    """Prints what each module's tests noticed, and what not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=6, help="mutants of a module")
    parser.add_argument("--only", default="tb_kernels", help="a folder or a module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600, help="after which no more is begun")
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    # Imported once, for all of them.
    import hypothesis  # noqa: F401

    known = {line.split(" | ")[0] for line in (ROOT / ".ci/equivalent_mutants.txt").read_text().splitlines()}  # fmt: skip
    chance, queue = random.Random(options.seed), []
    for folder, (group, tests) in TESTS.items():
        for path in sorted((ROOT / "tb_kernels" / folder).glob("*.py")):
            if path.name not in LEFT_OUT and str(path.relative_to(ROOT)).startswith(options.only):
                mutants = faults_of(path, options.each, chance, known)
                queue += [(group, path, tests, *mutant) for mutant in mutants]
    # So that whoever has no time for all of them has a sample of all modules. Before them each
    # folder's tests without a fault: they must pass, or they notice nothing.
    chance.shuffle(queue)
    whole = {one[2]: (*one[:3], NO_FAULT, one[1].read_text()) for one in queue}
    queue = [*whole.values(), *queue]
    counts = {}
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
                child = run(slot, mutant[1], mutant[4], mutant[2])
                running[child] = (slot, mutant, time.monotonic() + SECONDS)
            time.sleep(0.05)
            for child, (slot, (group, path, tests, told, _), deadline) in list(running.items()):
                outcome = finish(child, deadline)
                if outcome is None:
                    continue
                del running[child]
                shutil.copy(path, slot / path.relative_to(ROOT))
                free.append(slot)
                if told == NO_FAULT:
                    if outcome != MISSED:
                        sys.exit(f"the tests of {path.parent.name} fail as they are: {tests}")
                    continue
                if outcome != HUNG:
                    for key in (group, str(path.relative_to(ROOT))):
                        done, noticed = counts.get(key, (0, 0))
                        counts[key] = done + 1, noticed + (outcome == NOTICED)
                if outcome != NOTICED:
                    print(f"{outcome}: {told}", flush=True)
    print("\n| module | noticed | of |\n| --- | --- | --- |")
    for key, (done, noticed) in sorted(counts.items(), key=lambda item: (item[0] in BARS, item[0])):
        share = f" ({noticed / done:.0%})" if key in BARS else ""
        print(f"| {key} | {noticed}{share} | {done} |")
    return any(counts[group][1] < bar * counts[group][0] for group, bar in BARS.items() if group in counts)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
