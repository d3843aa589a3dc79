package tripline.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/** Alerts when an amount is more than three times the mean of the user's last 50, of which there must be three. */
final class ProfileProcessor extends UserProcessor {
    private static final int HISTORY_MAX = 50;
    private static final int HISTORY_MIN = 3;
    private static final long AMOUNT_ABOVE_CENTS = 50_000;
    private static final long THRESHOLD = 3;

    private static final AtomicBoolean FIRST = new AtomicBoolean();
    /** A history is its amounts, oldest first, four bytes each: enough for 21 million. */
    private static final int AMOUNT_BYTES = Integer.BYTES;
    private static final VarHandle AMOUNT =
        MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    ProfileProcessor() {
        super("profile", FIRST);
    }

    @Override
    byte[] judge(Transaction transaction, byte[] history) {
        if (history == null || transaction.amountCents <= AMOUNT_ABOVE_CENTS) return null;
        int count = history.length / AMOUNT_BYTES;
        if (count < HISTORY_MIN) return null;
        long sum = 0;
        for (int at = 0; at < history.length; at += AMOUNT_BYTES) sum += (int) AMOUNT.get(history, at);
        // In whole cents: amount > 3 × sum / count, without dividing.
        if (transaction.amountCents * count <= THRESHOLD * sum) return null;
        String alert = "{\"transaction_id\":" + transaction.id + ",\"user_id\":" + transaction.userId + ",\"amount_cents\":"
            + transaction.amountCents + ",\"count\":" + count + ",\"sum_cents\":" + sum + "}";
        return alert.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    byte[] remember(Transaction transaction, byte[] history) {
        int kept = history == null ? 0 : Math.min(history.length, (HISTORY_MAX - 1) * AMOUNT_BYTES);
        byte[] next = new byte[kept + AMOUNT_BYTES];
        if (kept > 0) System.arraycopy(history, history.length - kept, next, 0, kept);
        AMOUNT.set(next, kept, Math.toIntExact(transaction.amountCents));
        return next;
    }
}
