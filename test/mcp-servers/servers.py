"""MCP servers of PyPI on a port of the loopback: `fastmcp`, or the official package `mcp`."""

import asyncio
import os
import sys

kind, port = sys.argv[1], int(sys.argv[2])

if kind == "fastmcp":
    from fastmcp import FastMCP

    server = FastMCP("test")
else:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("test")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
async def wait(duration: float, steps: int) -> str:
    """Takes some seconds."""
    for _ in range(steps):
        await asyncio.sleep(duration / steps)
    return "done"


@server.tool()
async def work(key: str, seconds: float) -> str:
    """Does something that must not be done twice: writes down that it has."""
    with open(os.environ["WORKED"], "a", encoding="utf-8") as file:
        file.write(key + "\n")
    await asyncio.sleep(seconds)
    return "worked " + key


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("out of paper")


if kind == "fastmcp":
    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
else:
    server.run(transport="streamable-http", host="127.0.0.1", port=port)
