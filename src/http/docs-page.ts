// The API as one page to browse: rendered here, without scripts and without anything from elsewhere.

import { createHash } from 'node:crypto';
import type { OpenApiDocument, Operation } from './openapi.ts';
import { PROBLEM_CODES, problemKind } from './problems.ts';

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; display: flex; gap: .75rem; align-items: baseline; }
summary span { opacity: .7; }
.method { font-weight: 600; width: 4.2rem; flex: none; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
:target { background: color-mix(in srgb, currentColor 10%, transparent); }
`;

/** Lets this style through and nothing else. */
export const DOCS_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function renderDocs(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags[0] ?? '');
  const sections = [...byTag].map(
    ([tag, entries]) =>
      `<h2>${escapeHtml(tag)}</h2>${entries.map(({ path, method, operation }) => renderOperation(path, method, operation)).join('')}`,
  );
  const components = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${renderJson(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(document.info.title)} API</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(document.info.title)} API</h1>
<p>Send <code>Authorization: Bearer &lt;token&gt;</code>. The same as a document for tools: <a href="/v1/openapi.json">openapi.json</a>.
Money is a decimal text, durations are milliseconds, times are RFC 3339 in UTC, numbers are E.164.</p>
${sections.join('\n')}
<h2>Schemas</h2>${components.join('')}
<h2>Problems</h2><table><tr><th>code</th><th>status</th><th>meaning</th></tr>${PROBLEM_CODES.map(
    (code) =>
      `<tr id="problem-${code}"><td><code>${code}</code></td><td>${problemKind(code).status}</td><td>${escapeHtml(problemKind(code).title)}</td></tr>`,
  ).join('')}</table>
</body></html>
`;
}

function renderOperation(path: string, method: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    (parameter) =>
      `<tr><td><code>${escapeHtml(parameter.name)}</code></td><td>${parameter.in}${parameter.required ? ', required' : ''}</td><td><code>${escapeHtml(JSON.stringify(parameter.schema))}</code></td></tr>`,
  );
  const { 'application/json': body, ...uploads } = operation.requestBody?.content ?? {};
  const [upload] = Object.keys(uploads);
  const responses = Object.entries(operation.responses).map(
    ([status, response]) =>
      `<tr><td>${status}</td><td>${escapeHtml(response.description)}</td><td>${renderReference(response.content?.['application/json']?.schema)}</td></tr>`,
  );
  return `<details id="${escapeHtml(operation.operationId)}"><summary><code class="method">${method.toUpperCase()}</code><code>${escapeHtml(path)}</code><span>${escapeHtml(operation.summary)}</span></summary>
<p>Access: ${escapeHtml(operation['x-access'])}</p>
${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}
${body ? `<p>Body</p>${renderJson(body.schema)}` : ''}${upload ? `<p>Body: <code>${escapeHtml(upload)}</code></p>` : ''}
<p>Answers</p><table>${responses.join('')}</table></details>`;
}

function renderReference(schema: object | undefined): string {
  if (schema === undefined) return '';
  const name = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(schema))?.[1];
  return name === undefined
    ? `<code>${escapeHtml(JSON.stringify(schema))}</code>`
    : `<a href="#schema-${name}">${name}</a>`;
}

function renderJson(value: object): string {
  return `<pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
