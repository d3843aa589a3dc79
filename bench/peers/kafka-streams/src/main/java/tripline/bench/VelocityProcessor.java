package tripline.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/** Alerts when a user spends fast and much: more than five times within 60 s of event time, and more than 4,000.00. */
final class VelocityProcessor extends UserProcessor {
    private static final long WINDOW_MICROS = 60_000_000;
    /** An event that is this much late still finds its whole window. */
    private static final long LATENESS_MICROS = 60_000_000;
    private static final int COUNT_ABOVE = 5;
    private static final int COUNT_SCORE = 40;
    private static final long AMOUNT_ABOVE_CENTS = 400_000;
    private static final int AMOUNT_SCORE = 50;
    private static final int ALERT_ABOVE = 70;

    private static final AtomicBoolean FIRST = new AtomicBoolean();
    /** A history is the times of the recent events, in the order in which they came. */
    private static final int TIME_BYTES = Long.BYTES;
    private static final VarHandle TIME =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    VelocityProcessor() {
        super("velocity", FIRST);
    }

    @Override
    byte[] judge(Transaction transaction, byte[] history) {
        int count = 1;
        long start = transaction.createdAtMicros - WINDOW_MICROS;
        for (int at = 0; history != null && at < history.length; at += TIME_BYTES) {
            long time = (long) TIME.get(history, at);
            if (time >= start && time <= transaction.createdAtMicros) count++;
        }
        int score = (count > COUNT_ABOVE ? COUNT_SCORE : 0)
            + (transaction.amountCents > AMOUNT_ABOVE_CENTS ? AMOUNT_SCORE : 0);
        if (score <= ALERT_ABOVE) return null;
        String alert = "{\"transaction_id\":" + transaction.id + ",\"user_id\":" + transaction.userId + ",\"amount_cents\":"
            + transaction.amountCents + ",\"score\":" + score + ",\"window_count\":" + count + "}";
        return alert.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    byte[] remember(Transaction transaction, byte[] history) {
        long reach = transaction.createdAtMicros - WINDOW_MICROS - LATENESS_MICROS;
        int length = history == null ? 0 : history.length;
        int kept = 0;
        byte[] next = new byte[length + TIME_BYTES];
        for (int at = 0; at < length; at += TIME_BYTES) {
            long time = (long) TIME.get(history, at);
            if (time < reach) continue;
            TIME.set(next, kept, time);
            kept += TIME_BYTES;
        }
        TIME.set(next, kept, transaction.createdAtMicros);
        kept += TIME_BYTES;
        return kept == next.length ? next : java.util.Arrays.copyOf(next, kept);
    }
}
