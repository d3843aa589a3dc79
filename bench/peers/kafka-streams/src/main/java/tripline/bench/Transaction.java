package tripline.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** A row of public.transactions, read from a change event without building a tree. One object is used again and again. */
final class Transaction {
    private static final JsonFactory JSON = new JsonFactory();

    long id;
    int userId;
    long amountCents;
    long createdAtMicros;

    /** True when the change is an insert or a row of a snapshot; the agents ignore every other one. */
    boolean read(byte[] changeEvent) throws IOException {
        boolean hasRow = false;
        try (JsonParser parser = JSON.createParser(changeEvent)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) throw new IOException("A change event is an object.");
            for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
                JsonToken token = parser.nextToken();
                switch (field) {
                    case "after" -> {
                        if (token == JsonToken.START_OBJECT) {
                            readRow(parser);
                            hasRow = true;
                        }
                    }
                    case "op" -> {
                        String op = parser.getText();
                        return hasRow && (op.equals("c") || op.equals("r"));
                    }
                    default -> parser.skipChildren();
                }
            }
        }
        return false;
    }

    private void readRow(JsonParser parser) throws IOException {
        for (String column = parser.nextFieldName(); column != null; column = parser.nextFieldName()) {
            parser.nextToken();
            switch (column) {
                case "id" -> id = parser.getLongValue();
                case "user_id" -> userId = parser.getIntValue();
                case "amount" -> amountCents =
                    cents(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
                case "created_at" -> createdAtMicros = parser.getLongValue();
                default -> parser.skipChildren();
            }
        }
    }

    /** A decimal(10,2) as Debezium writes it: always with two places. */
    private static long cents(char[] text, int offset, int length) throws IOException {
        if (length < 4 || text[offset + length - 3] != '.') throw new IOException("An amount has two places.");
        long cents = 0;
        for (int i = offset; i < offset + length; i++) {
            if (text[i] != '.') cents = cents * 10 + (text[i] - '0');
        }
        return cents;
    }
}
