"""Faust: agents and pages."""

import faust

app = faust.App("shop")
orders = app.topic("orders", value_type=bytes)


@app.agent(orders)
async def confirm(stream):
    async for order in stream:
        render(order)


def render(order):
    return str(order)
