// A server made from OpenAPI documents alone: it knows no state and answers each request with an example of what the document promises. A
// request that is not as the document says gets 422 and is written down. A second opinion on what the stateful fakes accept.

import { type FakeAnswer, FakeProvider, type FakeRequest, type Handler } from './fake-provider.ts';
import type { Json, OpenApiDocument, Operation } from './openapi-document.ts';

export async function startMock(documents: readonly OpenApiDocument[], prefix = ''): Promise<OpenApiMock> {
  const mock = new OpenApiMock(documents, prefix);
  await mock.listen();
  return mock;
}

export class OpenApiMock extends FakeProvider {
  /** What an example is changed to, by operation: such as the name that is looked for. */
  readonly change = new Map<string, (body: Json) => Json>();
  /** Violations that are known, by a part of their text. */
  readonly excused: string[] = [];
  protected override readonly handlers: Readonly<Record<string, Handler>>;
  readonly #prefix: string;

  constructor(documents: readonly OpenApiDocument[], prefix: string) {
    super(documents);
    this.#prefix = prefix;
    const all = documents.flatMap((document) => document.operations.map((operation) => ({ document, operation })));
    this.handlers = Object.fromEntries(
      all.map((one) => [one.operation.id, this.#handler(one.document, one.operation)]),
    );
  }

  protected override pathOf(path: string): string {
    return path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : path;
  }

  protected override refusal({ headers }: FakeRequest): FakeAnswer | null {
    return headers.authorization === undefined ? { status: 401 } : null;
  }

  protected override notFound(): FakeAnswer {
    return { status: 404 };
  }

  protected override isExcused(_operation: string, violation: string): boolean {
    // Their own examples do not always keep to their schemas.
    return violation.startsWith('answer') || this.excused.some((part) => violation.includes(part));
  }

  #handler(document: OpenApiDocument, operation: Operation): Handler {
    return () => {
      const { status, body } = document.example(operation);
      const change = this.change.get(operation.id);
      return change === undefined ? { status, body } : { status, body: change(body) };
    };
  }
}
