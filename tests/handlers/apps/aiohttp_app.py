"""aiohttp.web: tables of routes, routes by call, views, methods of objects."""

from aiohttp import web

routes = web.RouteTableDef()


@routes.get("/health")
async def health(request):
    return web.Response(text="ok")


@routes.view("/orders")
class Orders(web.View):
    async def get(self):
        return web.json_response([])

    async def post(self):
        return self.answer()

    def answer(self):
        return web.Response(text="ok")


async def version(request):
    return web.Response(text="1")


async def users(request):
    return web.json_response([])


async def echo(request):
    return web.Response(text=await request.text())


class Admin:
    def __init__(self, app):
        app.router.add_get("/admin", self.show)
        app.router.add_route("DELETE", "/admin", self.drop)

    async def show(self, request):
        return web.Response(text="admin")

    async def drop(self, request):
        return web.Response(text="dropped")


@web.middleware
async def timing(request, handler):
    return await handler(request)


def create_app():
    app = web.Application(middlewares=[timing])
    app.add_routes(routes)
    app.add_routes([web.get("/version", version), web.route("*", "/echo", echo)])
    app.router.add_get("/users", users)
    Admin(app)
    return app
