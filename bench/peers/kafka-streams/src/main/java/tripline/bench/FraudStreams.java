package tripline.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The fraud agents as a Kafka Streams application, exactly once and on durable state, tuned for throughput.
 *
 * <p>Arguments: BOOTSTRAP_SERVERS TOPIC NAME STATE_FOLDER AGENT… where an agent is profile or velocity. Each agent is an
 * application of its own, NAME-AGENT, and writes its alerts to the topic NAME-AGENT-alerts. Prints a line when the first
 * record of an agent comes, and ends when its standard input does.
 */
public final class FraudStreams {
    /** One for each core of the machine that the benchmark is meant for. */
    private static final int THREADS = 2;

    private FraudStreams() {}

    public static void main(String[] args) throws IOException {
        String bootstrapServers = args[0];
        String topic = args[1];
        String name = args[2];
        String stateFolder = args[3];
        List<KafkaStreams> running = new ArrayList<>();
        for (String agent : List.of(args).subList(4, args.length)) {
            String applicationId = name + "-" + agent;
            KafkaStreams streams = new KafkaStreams(
                topology(agent, topic, applicationId + "-alerts").build(),
                settings(bootstrapServers, applicationId, stateFolder));
            streams.setUncaughtExceptionHandler(error -> {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
                return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
            });
            streams.start();
            running.add(streams);
        }
        while (System.in.read() != -1) {
            // Only the end is of interest.
        }
        running.forEach(streams -> streams.close(Duration.ofSeconds(10)));
    }

    private static StreamsBuilder topology(String agent, String topic, String alertsTopic) {
        ProcessorSupplier<byte[], byte[], byte[], byte[]> processor = switch (agent) {
            case "profile" -> ProfileProcessor::new;
            case "velocity" -> VelocityProcessor::new;
            default -> throw new IllegalArgumentException("'" + agent + "' is no agent: profile or velocity.");
        };
        // Written to RocksDB and to a changelog topic at each commit, and served from memory in between.
        StoreBuilder<KeyValueStore<Integer, byte[]>> history = Stores
            .keyValueStoreBuilder(
                Stores.persistentKeyValueStore(UserProcessor.STORE), Serdes.Integer(), Serdes.ByteArray())
            .withCachingEnabled()
            .withLoggingEnabled(Map.of());
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(history);
        // The topic is partitioned by user already, so nothing has to be partitioned again.
        builder.stream(topic, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .process(processor, UserProcessor.STORE)
            .to(alertsTopic, Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        return builder;
    }

    private static Properties settings(String bootstrapServers, String applicationId, String stateFolder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, stateFolder);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
        // A transaction a second: the 100 ms that exactly-once has by default would cost throughput.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
        // All users of the benchmark fit, so each is written once a commit however often it changes.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * 1024 * 1024);
        settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDbSettings.class);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 * 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 4 * 1024 * 1024);
        // Nor does kafkajs check them.
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.CHECK_CRCS_CONFIG), false);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 100);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64 * 1024 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "zstd");
        return settings;
    }
}
