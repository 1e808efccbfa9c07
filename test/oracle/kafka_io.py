"""Reading whole topics with librdkafka, and schemas from a registry."""

import json
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from records import Record


class Cluster:
    def __init__(self, brokers):
        self._settings = {
            "bootstrap.servers": brokers,
            "group.id": "oracle",  # required, never used: no subscription, no commits
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
        self._names = Consumer(self._settings)

    def topics(self):
        return sorted(self._names.list_topics(timeout=30).topics)

    def read(self, topic):
        """All committed records of a topic, up to its end now; [] if there is no such topic."""
        known = self._names.list_topics(timeout=30).topics
        if topic not in known:
            return []
        consumer = Consumer(self._settings)
        try:
            partitions = []
            for number in known[topic].partitions:
                low, _ = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
                partitions.append(TopicPartition(topic, number, low))
            consumer.assign(partitions)
            return self._drain(consumer, {p.partition for p in partitions})
        finally:
            consumer.close()

    @staticmethod
    def _drain(consumer, open_partitions):
        records, silent = [], 0
        while open_partitions:
            messages = consumer.consume(10_000, timeout=0.1)  # waits so long for a full batch
            silent = 0 if messages else silent + 1
            if silent == 600:
                raise OSError(f"no end of partitions {sorted(open_partitions)} within 60 s")
            for m in messages:
                if m.error() is None:
                    records.append(Record(m.partition(), m.offset(), m.timestamp()[1], m.key(), m.value(),
                                          tuple(m.headers() or ())))
                elif m.error().code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(m.partition())
                else:
                    raise KafkaException(m.error())
        return records


def registry_lookup(url):
    """A function from schema id, or GUID, to schema text, None for an unknown one."""

    def lookup(number):
        kind = "guids" if isinstance(number, str) else "ids"
        found = _ask(f"{url.rstrip('/')}/schemas/{kind}/{number}")
        return None if found is None else found["schema"]

    return lookup


def versions(url, subject):
    """(id, text) of all versions of a subject."""
    base = f"{url.rstrip('/')}/subjects/{subject}/versions"
    all = [_ask(f"{base}/{n}") for n in _ask(base) or ()]
    return [(v["id"], v["schema"]) for v in all]


def _ask(url):
    """The registry's answer, None if there is nothing."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        if e.code == 404:
            return None
        raise
