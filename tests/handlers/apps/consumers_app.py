"""Consumers: pika's channel, kombu's consumer."""

import kombu
import pika


def on_order(channel, method, properties, body):
    channel.basic_ack(method.delivery_tag)


def on_parcel(body, message):
    message.ack()


def consume(url):
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.basic_consume("orders", on_message_callback=on_order)
    return channel


def consume_parcels(connection):
    return kombu.Consumer(connection, queues=[kombu.Queue("parcels")], callbacks=[on_parcel])


def helper(body):
    return body
