"""FastAPI: routers, routes by call, websockets, endpoints that are classes, an app on an object."""

from fastapi import APIRouter, FastAPI, WebSocket
from starlette.endpoints import HTTPEndpoint

router = APIRouter(prefix="/orders")


@router.get("/")
async def list_orders():
    return []


@router.post("/")
@router.put("/")
def place_order():
    return {}


async def get_order(number: int):
    return number


router.add_api_route("/{number}", get_order, methods=["GET"])


@router.websocket("/feed")
async def feed(socket: WebSocket):
    await socket.accept()


def internal(path):
    """The project's own decorator for routes that only operators see."""

    def register(function):
        router.add_api_route(f"/internal{path}", function, include_in_schema=False)
        return function

    return register


@internal("/queue")
def queue_length():
    return 0


class Server:
    def __init__(self):
        self.app = FastAPI()
        self.app.include_router(router)
        self.app.add_api_route("/health", self.health)
        self._add_pages()

    def health(self):
        return "ok"

    def _add_pages(self):
        @self.app.get("/ready")
        def ready():
            return "ok"


class Page(HTTPEndpoint):
    async def get(self, request):
        return None


def add_more(app: FastAPI):
    @app.delete("/orders/{number}")
    def cancel_order(number: int):
        return number

    app.add_route("/page", Page)


def add_untyped(target):
    @target.api_route("/untyped")
    def untyped():
        return None


app = Server().app
add_more(app)
add_untyped(app)


def not_a_route():
    return None
