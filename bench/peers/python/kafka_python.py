"""The profile agent with kafka-python. Arguments: BOOTSTRAP_SERVERS TOPIC GROUP RECORDS ALERTS_FILE."""

import json
import sys

from kafka import KafkaConsumer

from profile_agent import ProfileAgent
from report import Report

bootstrap_servers, topic, group, records, alerts_file = sys.argv[1:]
agent = ProfileAgent()
report = Report(agent, int(records), alerts_file)

consumer = KafkaConsumer(
    topic,
    bootstrap_servers=bootstrap_servers,
    group_id=group,
    auto_offset_reset="earliest",
    enable_auto_commit=True,
    value_deserializer=lambda value: json.loads(value),
)
for message in consumer:
    agent.process(message.value)
    if report.count():
        break
consumer.close()
report.finish()
