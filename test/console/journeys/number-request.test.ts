import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { pdf, png, text } from '../support/documents.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// A number in Spain, from the form to the list of numbers: two people, the customer with a key of the workspace and the operator who reviews.

const chromium = findChromium();
const NUMBER = '+34910055512';
/** In the order in which they are asked for. */
const ANSWERS: readonly (readonly [label: string, value: string])[] = [
  ['Full name', 'María López García'],
  ['DNI or NIE', '12345678Z'],
  ['Area code of the number', '91'],
  ['Street and house number', 'Calle Gran Vía 12, 3º B'],
  ['Town', 'Madrid'],
  ['Postal code', '28013'],
  ['Contact person', 'María López'],
  ['Telephone of the contact', '+34600123456'],
  ['E-mail of the contact', 'maria.lopez@example.com'],
  ['What the number is for', 'Customer service of our clinics, answered by an assistant'],
];
const TOTAL = '13.00';

interface Request {
  readonly id: string;
  readonly status: string;
  readonly fields: Readonly<Record<string, { readonly status: string; readonly value: string | null }>>;
  readonly documents: readonly { readonly kind: string; readonly mediaType: string }[];
  readonly fees: { readonly total: string; readonly status: string };
}

describe.skipIf(!chromium.ok)('a number in Spain (needs: chromium)', { timeout: 2 * JOURNEY_MS }, () => {
  let stage: Stage;
  beforeAll(async () => {
    if (chromium.ok) stage = await openStage(chromium.path);
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const get = async <T>(path: string): Promise<T> => (await stage.gateway.api<T>('GET', path)).body;
  const requestOf = (id: string): Promise<Request> => get<Request>(`/v1/number-requests/${id}`);
  const feesOf = async (): Promise<string[]> =>
    (await get<{ items: { amount: string }[] }>('/v1/ledger?workspaceId=demo&meter=fee')).items.map(
      ({ amount }) => amount,
    );

  test('fields one by one, documents, payment, review, and the number is there', async () => {
    const customer = await stage.person({ key: (await stage.newKey('admin')).token });
    const id = await begins(customer);
    await fillsIn(customer, id);
    await uploads(customer, id);
    await customer.press('Submit request');
    await customer.sees('Payment due');
    await pays(customer, id);

    const operator = await stage.person();
    await reviews(operator, customer, id);
    await customer.sees('Number in your list');
    await customer.click(customer.page.getByRole('link', { name: 'Assign now' }));
    await customer.reads(customer.numberRow(NUMBER), /Spain[\s\S]*Callin[\s\S]*Active/);
    await customer.page.getByLabel(`Agent of ${NUMBER}`).selectOption({ label: 'Echo' });
    await customer.sees(/is answered by Echo/);
    const { items } = await get<{ items: object[] }>(`/v1/numbers?workspaceId=demo&q=${NUMBER.slice(1)}`);
    expect(items).toMatchObject([{ agentId: 'echo', country: 'ES', provider: 'managed', status: 'active' }]);
    await operator.leave('review');
    await customer.leave('number-request');
    expect(stage.gateway.audit()).toMatchObject({ ok: true });
  });

  /** Where one buys a number; the id of the request. */
  async function begins(customer: Person): Promise<string> {
    const { page } = customer;
    await customer.addNumber('Purchase number');
    await customer.choose('Country', 'Spain');
    await customer.sees('Numbers in Spain are given on request');
    await customer.click(page.getByRole('link', { name: 'Start a request' }));
    await page.getByRole('heading', { level: 1, name: 'New request' }).waitFor();
    await page.getByRole('radio', { name: /^Local/ }).check();
    await page.getByRole('radio', { name: /^New number/ }).check();
    const needed = page.getByRole('region', { name: 'What it takes' });
    await customer.reads(needed, /Activation\s+\$10\.00[\s\S]*Monthly\s+\$3\.00[\s\S]*2 to 5 working days/);
    await customer.press('Begin request');
    await page.getByRole('heading', { level: 1, name: 'Spain, local' }).waitFor();
    const id = /\/requests\/([^/?]+)/.exec(page.url())?.[1] ?? '';
    await customer.sees(id);
    return id;
  }

  const fieldOf = (customer: Person, label: string): Locator =>
    customer.page.locator('form.request-field').filter({ has: customer.page.getByLabel(label, { exact: true }) });
  const markOf = (field: Locator): Locator => field.locator('.badge');

  async function fillsIn(customer: Person, id: string): Promise<void> {
    const { page } = customer;
    expect(await page.getByRole('button', { name: 'Submit request' }).isDisabled()).toBe(true);
    const holder = fieldOf(customer, 'Who will hold the number');
    await customer.reads(markOf(holder), 'Pending');
    await holder.getByRole('combobox').selectOption({ label: 'A person' });
    await holder.getByRole('button', { name: 'Save' }).click();
    await customer.reads(markOf(holder), 'Saved');
    await refusesWrongId(customer);
    for (const [label, value] of ANSWERS) {
      const field = fieldOf(customer, label);
      await customer.reads(markOf(field), 'Pending');
      await field.getByRole('textbox').fill(value);
      await field.getByRole('button', { name: 'Save' }).click();
      await customer.reads(markOf(field), 'Saved');
    }
    const { fields } = await requestOf(id);
    expect(fields['nationalId']).toMatchObject({ status: 'saved', value: '12345678Z' });
    expect(Object.values(fields).filter(({ status }) => status === 'saved')).toHaveLength(ANSWERS.length + 1);
  }

  /** The letter does not go with the digits. */
  async function refusesWrongId(customer: Person): Promise<void> {
    const field = fieldOf(customer, 'DNI or NIE');
    await field.getByRole('textbox').fill('12345678A');
    await field.getByRole('button', { name: 'Save' }).click();
    await customer.reads(field.locator('.error'), /check/i);
    await customer.reads(markOf(field), 'Pending');
    expect(customer.refusals()).toEqual([expect.stringMatching(/^422 PUT .*nationalId$/)]);
  }

  async function uploads(customer: Person, id: string): Promise<void> {
    const { page } = customer;
    const address = page.getByLabel('File for Proof of address');
    await address.setInputFiles(text('address.txt'));
    await customer.sees('It must be a PDF, a JPEG or a PNG');
    expect(customer.refusals()).toEqual([]);
    // It says that it is a PDF, and is none: the gateway looks inside.
    await address.setInputFiles(text('address.pdf', 'application/pdf'));
    await customer.reads(customer.alert, /PDF/);
    expect(customer.refusals()).toEqual([`422 POST /v1/number-requests/${id}/documents`]);
    expect((await requestOf(id)).documents).toEqual([]);

    await address.setInputFiles(pdf('address.pdf'));
    await customer.sees(/^PDF, 1 KB$/);
    await page.getByLabel('File for DNI, NIE card or passport').setInputFiles(png('dni.png'));
    await customer.sees(/^PNG, 1 KB$/);
    const documents = page.getByRole('region', { name: 'Documents' });
    await expect.poll(() => documents.getByText('Uploaded', { exact: true }).count(), { timeout: WAIT_MS }).toBe(2);
    expect((await requestOf(id)).documents).toMatchObject([
      { kind: 'proof_of_address', mediaType: 'application/pdf' },
      { kind: 'identity', mediaType: 'image/png' },
    ]);
  }

  /** The demo has less than the fees; topped up, they are paid once. */
  async function pays(customer: Person, id: string): Promise<void> {
    await customer.press(`Pay $${TOTAL}`);
    await customer.reads(customer.alert, /balance/i);
    expect(customer.refusals()).toEqual([`402 POST /v1/number-requests/${id}/pay`]);
    expect(await feesOf()).toEqual([]);
    await stage.gateway.api('POST', '/v1/workspaces/demo/topups', { amount: '20.00' });
    await customer.reads(customer.page.locator('.balance-box .amount'), '$30.00');
    await customer.press(`Pay $${TOTAL}`);
    await customer.sees('An operator reviews it.');
    await customer.sees(`Request ID ${id}`);
    expect((await requestOf(id)).fees).toMatchObject({ status: 'paid', total: TOTAL });
    const charged = (await feesOf()).reduce((sum, amount) => sum + Number(amount), 0);
    expect(charged).toBeCloseTo(-Number(TOTAL), 9);
  }

  async function reviews(operator: Person, customer: Person, id: string): Promise<void> {
    const { page } = operator;
    await operator.go('Review');
    await operator.click(page.getByRole('row').filter({ hasText: id }).getByRole('link', { name: 'Spain, local' }));
    const handed = page.getByRole('region', { name: 'Information' });
    for (const [, value] of ANSWERS) await operator.sees(value, handed);
    const documents = page.getByRole('region', { name: 'Documents' });
    expect(await documents.getByRole('link').allInnerTexts()).toEqual(['PDF, 1 KB', 'PNG, 1 KB']);
    await operator.press('Approve…');
    const dialog = page.getByRole('dialog', { name: 'Approve with numbers' });
    await dialog.getByLabel('Numbers').fill('910055512');
    await operator.sees(/Not a number in E\.164 form/);
    await dialog.getByLabel('Numbers').fill(NUMBER);
    await dialog.getByLabel('Trunk').selectOption({ label: 'loopback' });
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await operator.sees('Approved with 1 number');
    // The customer's page was open all the time.
    await customer.sees('Approved');
    await customer.sees('+34 910 055 512');
    expect((await requestOf(id)).status).toBe('approved');
  }
});
