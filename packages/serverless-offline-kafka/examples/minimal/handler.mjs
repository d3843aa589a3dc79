/** Reports a record that is not JSON as failed, and with it what follows in its partition, which has to keep its order. */
function forEachRecord(event, handle) {
  const batchItemFailures = [];
  for (const [partition, records] of Object.entries(event.records)) {
    for (const record of records) {
      try {
        handle(JSON.parse(Buffer.from(record.value, "base64").toString()), record);
      } catch (error) {
        console.log(`${partition}, offset ${record.offset}: ${error.message}`);
        batchItemFailures.push({ itemIdentifier: { partition, offset: record.offset } });
        break;
      }
    }
  }
  return { batchItemFailures };
}

export const countOrders = async (event) =>
  forEachRecord(event, (order, { partition, offset }) =>
    console.log(
      `order ${order.id}: ${order.pieces} pieces (partition ${partition}, offset ${offset}, ${event.eventSource})`,
    ),
  );

export const countPayments = async (event) =>
  forEachRecord(event, (payment, { partition, offset }) =>
    console.log(`payment ${payment.id} (partition ${partition}, offset ${offset}, ${event.eventSource})`),
  );
