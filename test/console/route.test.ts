import { expect, test } from 'vitest';
import { matchRoute, queryText, readQuery } from '../../src/console/lib/route.ts';
import { ROUTES } from '../../src/console/shell/routes.ts';

test.each([
  ['/', 'home', {}],
  ['/w/demo/numbers', 'numbers', { workspaceId: 'demo' }],
  ['/w/demo/numbers/', 'numbers', { workspaceId: 'demo' }],
  ['/w/demo/numbers/buy', 'buy', { workspaceId: 'demo' }],
  ['/w/demo/byoc/new', 'new-trunk', { workspaceId: 'demo' }],
  ['/w/demo/byoc/trunk_1', 'trunk', { workspaceId: 'demo', trunkId: 'trunk_1' }],
  ['/w/a%2Fb/calls/call_1', 'call', { workspaceId: 'a/b', callId: 'call_1' }],
  ['/review/req_1', 'review-request', { requestId: 'req_1' }],
])('%s is the page %s', (path, name, params) => {
  expect(matchRoute(ROUTES, path)).toEqual({ name, params });
});

test.each(['/nowhere', '/w/demo', '/w/demo/calls/call_1/more', '/w/%E0%A4%A/calls'])('%s is no page', (path) => {
  expect(matchRoute(ROUTES, path)).toBeUndefined();
});

test('every page can be told apart from those before it', () => {
  for (const { name, path } of ROUTES) {
    const example = path.replaceAll(/:(\w+)/g, 'x-$1');
    expect(matchRoute(ROUTES, example)?.name).toBe(name);
  }
});

test('a query leaves out what is empty and comes back as it was', () => {
  expect(queryText({ a: '1', b: '', c: undefined })).toBe('?a=1');
  expect(queryText({})).toBe('');
  expect(readQuery(queryText({ number: '+12025550100', q: 'a b' }))).toEqual({ number: '+12025550100', q: 'a b' });
});
