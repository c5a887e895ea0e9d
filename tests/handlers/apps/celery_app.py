"""Celery: tasks of an application, shared ones, a class."""

from celery import Celery, Task, shared_task

app = Celery("shop", broker="memory://")


@app.task
def confirm(number):
    return render(number)


@app.task(bind=True, name="orders.cancel")
def cancel(self, number):
    return render(number)


@shared_task
def remind(number):
    return render(number)


class Audit(Task):
    name = "audit"

    def run(self, number):
        return render(number)


app.register_task(Audit())


def render(number):
    return str(number)
