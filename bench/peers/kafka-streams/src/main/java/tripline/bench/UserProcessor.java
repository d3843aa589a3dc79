package tripline.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** What both agents have in common: read the change event, fetch the user's history, judge, store the new history. */
abstract class UserProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "history";

    private final String agent;
    private final AtomicBoolean first;
    private final Transaction transaction = new Transaction();
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Integer, byte[]> histories;

    UserProcessor(String agent, AtomicBoolean first) {
        this.agent = agent;
        this.first = first;
    }

    /** The alert as JSON, or null. */
    abstract byte[] judge(Transaction transaction, byte[] history);

    /** The history with this transaction in it. */
    abstract byte[] remember(Transaction transaction, byte[] history);

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        histories = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        if (!first.get() && first.compareAndSet(false, true)) {
            System.out.println("{\"event\":\"first\",\"agent\":\"" + agent + "\"}");
        }
        try {
            if (!transaction.read(record.value())) return;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        byte[] history = histories.get(transaction.userId);
        byte[] alert = judge(transaction, history);
        histories.put(transaction.userId, remember(transaction, history));
        if (alert != null) context.forward(record.withValue(alert));
    }
}
