"""An MCP server: tools, resources, prompts."""

from mcp.server import MCPServer

server = MCPServer("shop")


@server.tool()
def find_order(number: int) -> str:
    """Finds an order."""
    return render(number)


@server.resource("orders://{number}")
def order(number: int) -> str:
    """One order."""
    return render(number)


@server.prompt()
def complain(number: int) -> str:
    """A complaint."""
    return render(number)


def render(number):
    return str(number)
