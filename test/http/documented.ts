import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { OpenApiDocument, Operation } from '../../src/http/openapi.ts';

/** Throws where an answer is not what the document promises. Every answer that the tests see goes through here. */
export type AnswerCheck = (method: string, path: string, status: number, contentType: string, body: unknown) => void;

const TYPE = /^[^;]+/;

export function createAnswerCheck(document: OpenApiDocument): AnswerCheck {
  const ajv = new Ajv2020.default({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  return (method, path, status, contentType, body) => {
    const operation = operationAt(document, method, path);
    if (operation === undefined) {
      const known = status === 404 || status === 405 || status === 400 || status === 413 || status === 429;
      if (!known) throw new Error(`${method} ${path} answered ${status} and is not in the document`);
      return;
    }
    const where = `${method} ${operation.template} -> ${status}`;
    const response = operation.operation.responses[String(status)];
    if (response === undefined) throw new Error(`${where} is not documented`);
    const [type = ''] = TYPE.exec(contentType) ?? [];
    if (response.content === undefined) {
      if (body !== undefined) throw new Error(`${where} is documented without a body`);
      return;
    }
    if (!(type in response.content)) throw new Error(`${where}: type ${type} is not documented`);
    if (!type.endsWith('json')) return;
    const pointer = [
      'paths',
      operation.template,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ];
    const validate = ajv.compile({ $ref: `openapi#/${pointer.map(escapePart).join('/')}` });
    if (!validate(body)) throw new Error(`${where}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(body)}`);
    const code = (body as { readonly code?: string }).code;
    if (status >= 400 && !response.description.includes(`\`${code}\``))
      throw new Error(`${where}: ${code} is not documented`);
  };
}

function operationAt(
  document: OpenApiDocument,
  method: string,
  path: string,
): { template: string; operation: Operation } | undefined {
  const [bare = ''] = path.split('?');
  for (const [template, operations] of Object.entries(document.paths)) {
    const operation = operations[method.toLowerCase()];
    const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    if (operation !== undefined && pattern.test(bare)) return { template, operation };
  }
  return undefined;
}

function escapePart(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
