import * as v from "valibot";

/**
 * A request as an HTTP API hands it to a function, as far as it is read here.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (payload format 2.0)
 */
export const HttpEvent = v.pipe(
  v.object({
    rawPath: v.string(),
    rawQueryString: v.optional(v.string(), ""),
    headers: v.optional(v.record(v.string(), v.optional(v.string())), {}),
    requestContext: v.object({
      http: v.object({ method: v.string() }),
      authorizer: v.nullish(v.object({ iam: v.nullish(v.object({ userArn: v.nullish(v.string()) })) })),
    }),
    body: v.nullish(v.string()),
    isBase64Encoded: v.optional(v.boolean(), false),
  }),
  v.transform(
    ({ rawPath, rawQueryString, headers, requestContext, body, isBase64Encoded }): HttpRequest => ({
      method: requestContext.http.method.toUpperCase(),
      path: rawPath,
      query: new URLSearchParams(rawQueryString),
      headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value ?? ""])),
      body: body == null ? "" : isBase64Encoded ? Buffer.from(body, "base64").toString() : body,
      userArn: requestContext.authorizer?.iam?.userArn ?? undefined,
    }),
  ),
);

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Whom API Gateway has found the request to be signed by. */
  readonly userArn: string | undefined;
}

/** What a function answers to an HTTP API. */
export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}
