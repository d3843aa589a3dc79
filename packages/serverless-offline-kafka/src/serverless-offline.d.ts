/** The part of serverless-offline 14 that other plugins may use; it comes without types. */
declare module "serverless-offline/lambda" {
  export interface LambdaFunction {
    setEvent(event: unknown): void;
    runHandler(): Promise<unknown>;
  }

  export default class Lambda {
    constructor(serverless: unknown, options: Readonly<Record<string, unknown>>);
    create(lambdas: ReadonlyArray<{ readonly functionKey: string; readonly functionDefinition: unknown }>): void;
    get(functionKey: string): LambdaFunction;
    /** Ends the workers, running or not. */
    cleanup(): Promise<void>;
  }
}
