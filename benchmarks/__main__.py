"""`python -m benchmarks [name...]`: run the benchmarks, all of them without a name. Each prints its ratio against its floor."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main(wanted: list[str]) -> int:
    """Run the modules of this package that have a function `run`; an unknown name is an error."""
    names = sorted(info.name for info in pkgutil.iter_modules(benchmarks.__path__) if not info.name.startswith("_"))
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in wanted or names if name in names}
    unknown = [name for name in wanted if not hasattr(modules.get(name), "run")]
    if unknown:
        runnable = [name for name in names if hasattr(importlib.import_module(f"benchmarks.{name}"), "run")]
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(runnable)}", file=sys.stderr)
        return 2
    for name, module in modules.items():
        if hasattr(module, "run"):
            print(f"== {name}", flush=True)
            module.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
