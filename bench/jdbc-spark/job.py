"""The profile rule as a Spark job that reads PostgreSQL through JDBC: what one would build without change data capture.

Commands come as JSON lines on standard input, events leave as JSON lines on standard output; the end of the input ends it.
Structured Streaming has no JDBC source, so each way is a loop on the driver around batch reads:

  id         rows whose id is above the last one seen
  timestamp  rows whose created_at is above the last one seen
  lookback   the same from ten seconds further back, without the rows that were read already
  reload     the whole table, each time

The first three keep the last 50 amounts of each user from one poll to the next, as a DataFrame that is checkpointed in
memory; after a start they read the whole table once to make it. All arithmetic is in whole cents.
"""

import json
import os
import sys
import threading
import time
from datetime import datetime, timedelta

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

HISTORY_MAX, HISTORY_MIN, ABOVE_CENTS, TIMES_MEAN = 50, 3, 50_000, 3
LOOKBACK = timedelta(seconds=10)
# Tables below this are read by one task: a second connection costs more than it saves.
ROWS_PER_PARTITION = 250_000
PARTITIONS_MAX = 8

config = json.loads(os.environ["JOB_CONFIG"])
output_lock = threading.Lock()


def emit(event, **values):
    with output_lock:
        print(json.dumps({"event": event, **values}), flush=True)


def start_session():
    return (
        SparkSession.builder.master("local[2]")
        .appName("tripline-jdbc-spark")
        .config("spark.driver.memory", config["memory"])
        .config("spark.driver.extraClassPath", config["jar"])
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.local.dir", config["folder"])
        .config("spark.sql.warehouse.dir", config["folder"])
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        # Ways that run at once share the two cores instead of waiting for each other.
        .config("spark.scheduler.mode", "FAIR")
        .getOrCreate()
    )


spark = start_session()
spark.sparkContext.setLogLevel("ERROR")


def for_scans(session):
    """A scan of the whole table may be of any size: adaptive execution joins small partitions."""
    session.conf.set("spark.sql.shuffle.partitions", "8")
    session.conf.set("spark.sql.adaptive.enabled", "true")


def for_polls(session):
    """A micro-batch is small: a partition for each core, and no time spent on planning anew after each stage."""
    session.conf.set("spark.sql.shuffle.partitions", "2")
    session.conf.set("spark.sql.adaptive.enabled", "false")


jdbc = {
    "url": config["url"],
    "driver": "org.postgresql.Driver",
    "user": config["user"],
    "password": config["password"],
    "fetchsize": "10000",
}


def read(session, sql):
    return session.read.format("jdbc").options(**jdbc).option("query", sql).load()


def read_table(session, columns):
    """The whole table, by several connections at once where it is large. They do not share a snapshot."""
    first, last = read(session, "select coalesce(min(id), 0) as first, coalesce(max(id), 0) as last from transactions").first()
    partitions = min(PARTITIONS_MAX, max(1, (last - first) // ROWS_PER_PARTITION))
    source = session.read.format("jdbc").options(**jdbc)
    table = f"(select {columns} from transactions) as t"
    if partitions == 1:
        return source.option("dbtable", table).load()
    return (
        source.option("dbtable", table)
        .option("partitionColumn", "id")
        .option("lowerBound", first)
        .option("upperBound", last + 1)
        .option("numPartitions", partitions)
        .load()
    )


def in_cents(rows):
    return rows.where("user_id is not null and amount is not null").withColumn(
        "cents", (F.col("amount") * 100).cast("long")
    )


def judge_history(rows):
    """Every row with the number and the sum of its user's last 50 earlier amounts: two running sums and their difference."""
    by_id = Window.partitionBy("user_id").orderBy("id")
    summed = rows.select(
        "*",
        F.row_number().over(by_id).alias("place"),
        F.sum("cents").over(by_id.rowsBetween(Window.unboundedPreceding, Window.currentRow)).alias("so_far"),
        F.count(F.lit(1)).over(Window.partitionBy("user_id")).alias("of_user"),
    )
    older = F.coalesce(F.lag("so_far", HISTORY_MAX + 1).over(by_id), F.lit(0))
    return summed.select(
        "*",
        F.least(F.col("place") - 1, F.lit(HISTORY_MAX)).alias("n"),
        (F.col("so_far") - F.col("cents") - older).alias("total"),
    )


def alerts_in(judged):
    return judged.where(
        (F.col("cents") > ABOVE_CENTS)
        & (F.col("n") >= HISTORY_MIN)
        & (F.col("cents") * F.col("n") > TIMES_MEAN * F.col("total"))
    ).select(
        F.col("id").cast("long").alias("transaction_id"),
        "user_id",
        F.col("cents").alias("amount_cents"),
        F.col("n").cast("int"),
        F.col("total").alias("sum_cents"),
    )


def write_alerts(alerts, table):
    alerts.coalesce(1).write.format("jdbc").options(**jdbc).option("dbtable", table).mode("append").save()


class Recorder:
    """For the count of what a way has read: every row of every read, in a file."""

    def __init__(self, given):
        self.file = open(given["file"], "w") if given else None
        self.after_id = given["afterId"] if given else 0
        self.reads = 0

    def record(self, rows):
        if self.file is None:
            return
        self.reads += 1
        for row in rows.where(F.col("id") > self.after_id).select("id", "cents").collect():
            self.file.write(f"{self.reads},{row[0]},{row[1]}\n")
        self.file.flush()


class Incremental:
    """Polls for new rows and keeps the last amounts of each user."""

    def __init__(self, way, table, record):
        self.way, self.table, self.session = way, table, spark.newSession()
        self.last = 0 if way == "id" else datetime(1970, 1, 1)
        self.columns = "id, user_id, amount" + ("" if way == "id" else ", created_at")
        self.recorder = Recorder(record)

    def first_read(self):
        for_scans(self.session)
        rows = in_cents(read_table(self.session, self.columns))
        judged = judge_history(rows).persist()
        alerts = alerts_in(judged).persist()
        count = alerts.count()
        if count > 0:
            write_alerts(alerts, self.table)
        marks = judged.agg(F.count(F.lit(1)), *self.marks()).first()
        self.state = (
            judged.where(F.col("place") > F.col("of_user") - HISTORY_MAX)
            .groupBy("user_id")
            .agg(F.array_sort(F.collect_list(F.struct("id", "cents"))).alias("last"))
            .select("user_id", F.expr("transform(last, each -> each.cents) as amounts"))
            .repartition(2, "user_id")
            .localCheckpoint()
        )
        self.move_to(marks)
        if self.way == "lookback":
            self.recent = judged.where(F.col("created_at") > self.last - LOOKBACK).select("id", "created_at")
            self.recent = self.recent.localCheckpoint()
        alerts.unpersist()
        judged.unpersist()
        for_polls(self.session)
        return marks[0], count

    def marks(self):
        return [F.max("id" if self.way == "id" else "created_at")]

    def move_to(self, marks):
        if marks[1] is not None:
            self.last = marks[1]

    def condition(self):
        if self.way == "id":
            return f"id > {self.last}"
        after = self.last - LOOKBACK if self.way == "lookback" else self.last
        return f"created_at > timestamp '{after.isoformat(sep=' ')}'"

    def poll(self):
        rows = in_cents(read(self.session, f"select {self.columns} from transactions where {self.condition()}"))
        found = None
        if self.way == "lookback":
            found = rows.persist()
            rows = found.join(F.broadcast(self.recent), "id", "left_anti")
        if self.recorder.file is not None:
            rows = rows.persist()
            self.recorder.record(rows)
        fresh = rows.groupBy("user_id").agg(
            F.array_sort(F.collect_list(F.struct("id", "cents"))).alias("fresh"), *[m.alias("mark") for m in self.marks()]
        )
        judged = (
            self.state.join(fresh, "user_id", "full_outer")
            .selectExpr(
                "user_id",
                "coalesce(amounts, cast(array() as array<bigint>)) as earlier",
                "coalesce(fresh, cast(array() as array<struct<id:int,cents:bigint>>)) as fresh",
                "mark",
            )
            .selectExpr("*", "concat(earlier, transform(fresh, each -> each.cents)) as everything")
            .selectExpr(
                "user_id",
                "mark",
                "size(fresh) as rows",
                f"slice(everything, greatest(size(everything) - {HISTORY_MAX - 1}, 1), {HISTORY_MAX}) as amounts",
                # Only amounts that can be an alert look at their history.
                f"""filter(transform(fresh, (each, i) -> named_struct('id', each.id, 'cents', each.cents,
                      'n', least(size(earlier) + i, {HISTORY_MAX}),
                      'total', if(each.cents > {ABOVE_CENTS},
                        aggregate(slice(everything, greatest(size(earlier) + i - {HISTORY_MAX - 1}, 1),
                          least(size(earlier) + i, {HISTORY_MAX})), 0L, (sum, amount) -> sum + amount), 0L))),
                    each -> each.cents > {ABOVE_CENTS}) as large""",
            )
            .localCheckpoint()
        )
        marks = judged.agg(F.coalesce(F.sum("rows"), F.lit(0)), F.max("mark"), F.sum(F.size("large"))).first()
        count = 0
        if marks[2]:
            alerts = alerts_in(judged.selectExpr("user_id", "inline(large)")).persist()
            count = alerts.count()
            if count > 0:
                write_alerts(alerts, self.table)
            alerts.unpersist()
        # Progress is noted after the alerts are written: who dies between the two writes them twice, and loses none.
        self.state = judged.select("user_id", "amounts")
        self.move_to(marks)
        if found is not None:
            self.recent = found.where(F.col("created_at") > self.last - LOOKBACK).select("id", "created_at").localCheckpoint()
            found.unpersist()
        if self.recorder.file is not None:
            rows.unpersist()
        return marks[0], count


class Reload:
    """Reads and judges the whole table, and writes the alerts that are not there yet."""

    def __init__(self, table, record):
        self.table, self.session = table, spark.newSession()
        self.recorder = Recorder(record)
        for_scans(self.session)

    def first_read(self):
        return self.poll()

    def poll(self):
        rows = in_cents(read_table(self.session, "id, user_id, amount"))
        if self.recorder.file is not None:
            rows = rows.persist()
            self.recorder.record(rows)
        written = read(self.session, f"select transaction_id from {self.table}")
        alerts = alerts_in(judge_history(rows)).join(written, "transaction_id", "left_anti").persist()
        count = alerts.count()
        if count > 0:
            write_alerts(alerts, self.table)
        alerts.unpersist()
        if self.recorder.file is not None:
            rows.unpersist()
        return None, count


ways = {}
stopping = threading.Event()
loops = []


def timed(event, name, work):
    started = time.time()
    rows, alerts = work()
    ended = time.time()
    emit(
        event,
        name=name,
        startedAtMs=started * 1000,
        endedAtMs=ended * 1000,
        ms=(ended - started) * 1000,
        rows=rows,
        alerts=alerts,
    )


def loop(name, interval_seconds):
    due = time.monotonic()
    while not stopping.is_set():
        timed("poll", name, ways[name].poll)
        # A poll that took longer than the interval is followed by the next one at once.
        due = max(due + interval_seconds, time.monotonic())
        stopping.wait(max(0.0, due - time.monotonic()))


def guarded(work):
    def run():
        try:
            work()
        except BaseException as error:
            emit("failed", message=str(error)[:2000])
            os._exit(1)

    return run


def obey(command):
    do, name = command["do"], command.get("name")
    if do == "first":
        way, table, record = command["way"], command["table"], command.get("record")
        ways[name] = Reload(table, record) if way == "reload" else Incremental(way, table, record)
        timed("first", name, ways[name].first_read)
    elif do == "poll":
        timed("poll", name, ways[name].poll)
    elif do == "loop":
        thread = threading.Thread(target=guarded(lambda: loop(name, command["intervalMs"] / 1000)), daemon=True)
        loops.append(thread)
        thread.start()
    elif do == "stop":
        stopping.set()
        for each in loops:
            each.join()
        loops.clear()
        stopping.clear()
        emit("stopped")


def main():
    emit("started", version=spark.version)
    for line in sys.stdin:
        obey(json.loads(line))
    spark.stop()


guarded(main)()
