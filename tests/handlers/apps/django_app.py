"""Django: functions, class-based and generic views, REST framework, Ninja."""

import django
from django.conf import settings

settings.configure(
    DEBUG=True,
    ROOT_URLCONF=__name__,
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={},
)
django.setup()

from django.http import HttpResponse  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.views import View  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from django.views.generic import TemplateView  # noqa: E402
from ninja import NinjaAPI, Router  # noqa: E402
from rest_framework.decorators import action, api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.routers import DefaultRouter  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework.viewsets import ViewSet  # noqa: E402


def health(request):
    return HttpResponse("ok")


@csrf_exempt
def hook(request):
    return HttpResponse("ok")


def exempted(request):
    return HttpResponse("ok")


class Order(View):
    def get(self, request, number):
        return HttpResponse(str(number))

    def post(self, request, number):
        return self.answer(number)

    def answer(self, number):
        return HttpResponse(str(number))


class Page(TemplateView):
    template_name = "page.html"

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs)


@api_view(["GET"])
def version(request):
    return Response("1")


class Users(APIView):
    def get(self, request):
        return Response([])


class Sheets(ViewSet):
    def every_sheet(self, request):
        return Response([])

    def one_sheet(self, request, pk):
        return Response(pk)

    def helper(self):
        return None

    @classmethod
    def paths(cls):
        return [
            path("sheets/", cls.as_view({"get": "every_sheet"})),
            path("sheets/<int:pk>/", cls.as_view({"get": "one_sheet"})),
        ]


class Parcels(ViewSet):
    def list(self, request):
        return Response([])

    def retrieve(self, request, pk=None):
        return Response(pk)

    @action(detail=True)
    def track(self, request, pk=None):
        return Response(pk)


api = NinjaAPI()
stock = Router()


@api.get("/ping")
def ping(request):
    return "pong"


@stock.post("/reserve")
def reserve(request):
    return "ok"


api.add_router("/stock", stock)
parcels = DefaultRouter()
parcels.register("parcels", Parcels, basename="parcel")

inner = [path("version/", version), re_path(r"^users/$", Users.as_view())]
urlpatterns = [
    path("health/", health),
    path("hook/", view=hook),
    path("exempted/", csrf_exempt(exempted)),
    path("orders/<int:number>/", Order.as_view()),
    path("page/", Page.as_view()),
    path("inner/", include(inner)),
    path("rest/", include(parcels.urls)),
    path("rest/", include(Sheets.paths())),
    path("api/", api.urls),
]
