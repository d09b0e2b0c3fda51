"""What the Python clients share: a scenario's outcome is told to the test, a line of JSON each."""

import asyncio
import inspect
import json
import os
import sys


def tell(line):
    print(json.dumps(line), flush=True)


def seen(what):
    """Tells the test what has arrived."""
    tell({"seen": what})


def released():
    """Returns when the test lets this process go."""
    sys.stdin.read()


def weather(city):
    """The function tool of the scenarios."""
    seen({"city": city})
    return f"21 degrees in {city}"


def main(scenarios):
    """Runs the scenario that the command line names; what it raises is what the client raises at its user."""
    scenario = scenarios[sys.argv[1]]
    try:
        result = scenario(os.environ["MODEL"])
        if inspect.isawaitable(result):
            result = asyncio.run(result)
        tell({"result": result})
    except Exception as error:
        told = {"name": type(error).__name__, "message": str(error), "status": getattr(error, "status_code", None)}
        tell({"error": told})
