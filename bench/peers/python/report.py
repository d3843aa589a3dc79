"""What the benchmark wants to know of an agent: when the first record came, how far it is, and its alerts at the end."""

import json
import sys

PROGRESS_EVERY = 10_000


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Report:
    def __init__(self, agent, records, alerts_file):
        self.agent = agent
        self.records = records
        self.alerts_file = alerts_file
        self.done = 0

    def count(self):
        """After each record. True when it was the last one."""
        if self.done == 0:
            say("first")
        self.done += 1
        if self.done % PROGRESS_EVERY == 0 or self.done == self.records:
            say("progress", done=self.done)
        return self.done == self.records

    def finish(self):
        """Stays until the benchmark, which reads CPU and memory from outside, has no more questions."""
        with open(self.alerts_file, "w") as file:
            file.write(",".join(map(str, self.agent.alerts)))
        say("finished")
        sys.stdin.read()
