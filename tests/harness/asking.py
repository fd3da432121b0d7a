"""A client of a scheduler in another process: `python -m tests.harness.asking SOCKET KEY MODEL [PRECISION TARGET]`.

It prints the folder that it is given, or the error.
"""

import sys

from fixtures.harness.children import JobError
from fixtures.harness.scheduler import Client, Leg


def main(socket: str, key: str, model: str, *leg: str) -> None:
    """Ask for a build, or for a leg."""
    client = Client((socket, bytes.fromhex(key)))
    try:
        print(client.outputs(Leg(model, *leg)) if leg else client.build(model).folder)
    except JobError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
