"""The course's profile agent: the last 50 amounts of each user in memory, and an alert for an amount far above their mean."""

from collections import defaultdict, deque


class ProfileAgent:
    def __init__(self):
        self.profiles = defaultdict(lambda: deque(maxlen=50))
        self.alerts = []

    def process(self, event):
        if event["op"] not in ("c", "r"):
            return
        transaction = event["after"]
        history = self.profiles[transaction["user_id"]]
        amount = float(transaction["amount"])
        if len(history) >= 3 and amount > 500:
            mean = sum(history) / len(history)
            if amount > 3 * mean:
                self.alerts.append(transaction["id"])
        history.append(amount)
