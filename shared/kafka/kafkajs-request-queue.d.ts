// The one internal of kafkajs that client.ts repairs; kafkajs itself has no types for it.
declare module "kafkajs/src/network/requestQueue/index.js" {
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
}
