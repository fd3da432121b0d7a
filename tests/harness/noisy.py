"""A child whose libraries print when they are imported: `python -m tests.harness.noisy`. It does what `echo` does."""

import os

from fixtures.harness.children import serve
from tests.harness.echo import JOBS, ExpectedError

os.write(1, b'{"result": "a library greets"}\n')
if __name__ == "__main__":
    serve(lambda job, progress: JOBS[job["do"]](job, progress), (ExpectedError,))
