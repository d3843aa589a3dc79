"""The profile agent with confluent-kafka. Arguments: BOOTSTRAP_SERVERS TOPIC GROUP RECORDS ALERTS_FILE."""

import json
import sys

from confluent_kafka import Consumer, KafkaException

from profile_agent import ProfileAgent
from report import Report

bootstrap_servers, topic, group, records, alerts_file = sys.argv[1:]
agent = ProfileAgent()
report = Report(agent, int(records), alerts_file)

consumer = Consumer(
    {
        "bootstrap.servers": bootstrap_servers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": True,
    }
)
consumer.subscribe([topic])
finished = False
while not finished:
    for message in consumer.consume(num_messages=1000, timeout=1.0):
        if message.error():
            raise KafkaException(message.error())
        agent.process(json.loads(message.value()))
        finished = report.count()
consumer.close()
report.finish()
