import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { PublishBatchCommandInput, SNSClient } from "@aws-sdk/client-sns";
import { afterEach, describe, expect, test } from "@jest/globals";
import { exampleAlert } from "../../../shared/alerts/fixtures.ts";
import { alertMessage } from "../../../shared/alerts/index.ts";
import { snsChannel } from "./sns.ts";
import { webhookChannel } from "./webhook.ts";

const alerts = (count: number) =>
  Array.from({ length: count }, (_, index) => exampleAlert({ alertId: `ratio:1:${index}`, userId: 1000 + index }));

describe("webhook", () => {
  let server: Server | undefined;

  async function listen(listener: RequestListener): Promise<URL> {
    const listening = createServer(listener);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    return new URL(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/alerts`);
  }

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    server = undefined;
  });

  test("posts each alert with its id as the idempotency key, eight at once", async () => {
    const received: { headers: IncomingHttpHeaders; body: unknown }[] = [];
    let open = 0;
    let openMax = 0;
    const url = await listen(async (request, response) => {
      openMax = Math.max(openMax, ++open);
      const chunks = await request.toArray();
      await new Promise((resolve) => setTimeout(resolve, 10));
      received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
      open -= 1;
      response.writeHead(202).end("taken");
    });
    const sent = alerts(20);

    const delivery = await webhookChannel(url).deliver(sent);

    expect(delivery).toEqual({ delivered: sent, failures: [] });
    expect(received.map(({ body }) => body)).toEqual(expect.arrayContaining(sent.map(alertMessage)));
    expect(received).toHaveLength(20);
    for (const { headers, body } of received) {
      expect(headers).toMatchObject({
        "idempotency-key": (body as { alertId: string }).alertId,
        "content-type": "application/json",
      });
    }
    expect(openMax).toBe(8);
  });

  test.each([[500], [404], [302]])("an answer of %i is a failure of that alert alone", async (status) => {
    const url = await listen((request, response) => {
      response
        .writeHead(request.headers["idempotency-key"] === "ratio:1:1" ? status : 200, { location: "/else" })
        .end();
    });
    const [first, second, third] = alerts(3);
    const { delivered, failures } = await webhookChannel(url).deliver(alerts(3));
    expect(delivered).toEqual([first, third]);
    expect(failures).toEqual([{ alert: second, error: new Error(`the webhook answered ${status}`) }]);
  });

  test("a silent server is a failure after the timeout", async () => {
    const url = await listen(() => {});
    const { delivered, failures } = await webhookChannel(url, { timeoutMs: 50 }).deliver(alerts(1));
    expect(delivered).toEqual([]);
    expect(failures).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({
          message: expect.stringContaining("could not be reached"),
          cause: expect.objectContaining({ name: "TimeoutError" }),
        }),
      }),
    ]);
  });
});

describe("sns", () => {
  const topicArn = "arn:aws:sns:us-east-1:000000000000:fraud-alerts";

  function fakeClient(answer: (input: PublishBatchCommandInput) => object) {
    const inputs: PublishBatchCommandInput[] = [];
    const send = async ({ input }: { input: PublishBatchCommandInput }) => {
      inputs.push(input);
      return answer(input);
    };
    return { client: { send } as unknown as SNSClient, inputs };
  }

  test("publishes ten a request, with what subscribers filter on", async () => {
    const { client, inputs } = fakeClient(() => ({ Failed: [] }));
    const sent = alerts(12);

    const delivery = await snsChannel(topicArn, client).deliver(sent);

    expect(delivery).toEqual({ delivered: sent, failures: [] });
    expect(inputs.map(({ PublishBatchRequestEntries }) => PublishBatchRequestEntries?.length)).toEqual([10, 2]);
    expect(inputs[1]?.PublishBatchRequestEntries?.[0]).toEqual({
      Id: "0",
      Message: JSON.stringify(alertMessage(exampleAlert({ alertId: "ratio:1:10", userId: 1010 }))),
      MessageAttributes: {
        agent: { DataType: "String", StringValue: "profile" },
        rule: { DataType: "String", StringValue: "ratio" },
        user_id: { DataType: "Number", StringValue: "1010" },
      },
    });
  });

  test("what SNS refuses of a request fails, the rest is delivered", async () => {
    const { client } = fakeClient(() => ({ Failed: [{ Id: "1", Code: "InternalError", SenderFault: false }] }));
    const [first, second, third] = alerts(3);
    const { delivered, failures } = await snsChannel(topicArn, client).deliver(alerts(3));
    expect(delivered).toEqual([first, third]);
    expect(failures).toEqual([{ alert: second, error: new Error("SNS refused it: InternalError") }]);
  });

  test("a request that fails fails its alerts, and the next request is still made", async () => {
    let requests = 0;
    const { client } = fakeClient(() => {
      if (++requests === 1) throw new Error("connect ECONNREFUSED");
      return {};
    });
    const { delivered, failures } = await snsChannel(topicArn, client).deliver(alerts(12));
    expect(delivered).toEqual(alerts(12).slice(10));
    expect(failures).toHaveLength(10);
  });
});
