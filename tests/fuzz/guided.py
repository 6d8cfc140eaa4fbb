"""Guides changes of files by what they make the readers do: python tests/fuzz/guided.py NAME RUNS.

Needs the package atheris, which no test does. NAME is a key of `readers.readers()`; what ends in
anything but a UserError is left as a file and named. A limit of 3 GB of memory and of 20 seconds
per input holds.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
with atheris.instrument_imports(include=["benchsuite", "zipfile", "tomllib", "csv"]):
    import readers


def main():
    name, runs = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, content in enumerate(readers.readers()[name][2]):
            (corpus / str(number)).write_bytes(content)
        options = [f"-runs={runs}", "-timeout=20", "-rss_limit_mb=3000", "-max_len=60000"]
        options += ["-verbosity=0", f"-artifact_prefix={name.replace(' ', '_')}-", str(corpus)]

        def one(content):
            readers.read(name, content, folder)

        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
