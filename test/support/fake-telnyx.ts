// A Telnyx that is a server on loopback: numbers, connections, profiles, inventory and orders with state, errors as documented, switchable
// faults.
//
//   const telnyx = await startFakeTelnyx();
//   const number = telnyx.addNumber('+12025550100');
//   telnyx.deny.add('numbers');                                // the key cannot read numbers: 403, 10010
//   telnyx.state.orderPolls = 3;
//   telnyx.fail('CreateFqdn', { kind: 'answer', answer: { status: 500 } });

import { type FakeAnswer, FakeProvider, type FakeRequest, type Handler } from './fake-provider.ts';
import { data, notFound, telnyxError } from './fake-telnyx/answers.ts';
import { connectionHandlers } from './fake-telnyx/connections.ts';
import { numberHandlers, telnyxNumber } from './fake-telnyx/numbers.ts';
import { orderHandlers, stockNumber } from './fake-telnyx/orders.ts';
import { DecimalIds, newTelnyxState, type TelnyxArea, type TelnyxState } from './fake-telnyx/state.ts';
import { type Json, loadDocument } from './openapi-document.ts';

export const API_KEY = 'KEY0189FACEF00DFACEF00D_s3cr3tS3cr3t';

export async function startFakeTelnyx(): Promise<FakeTelnyx> {
  const fake = new FakeTelnyx();
  await fake.listen();
  return fake;
}

export class FakeTelnyx extends FakeProvider {
  readonly state: TelnyxState = newTelnyxState(API_KEY);
  /** What the key may not do. */
  readonly deny = new Set<TelnyxArea>();
  /** An answer to everything, such as that the account is blocked. */
  everything: FakeAnswer | null = null;
  /** Sent with every answer. */
  headers: Record<string, string> = {
    'x-ratelimit-limit': '100',
    'x-ratelimit-remaining': '99',
    'x-ratelimit-reset': '1',
  };
  readonly #ids = new DecimalIds();
  protected override readonly handlers: Readonly<Record<string, Handler>>;

  constructor() {
    super([loadDocument('telnyx-v2')]);
    this.handlers = {
      GetUserBalance: () => data(200, this.#balance()),
      ...numberHandlers(this.state),
      ...connectionHandlers(this.state, this.#ids),
      ...orderHandlers(this.state, this.#ids),
    };
  }

  /** For `settings.telnyx`. */
  get urls() {
    return { apiUrl: `${this.origin}/v2` };
  }

  addNumber(phoneNumber: string, over: Json = {}): Json {
    return telnyxNumber(this.state, this.#ids, phoneNumber, over);
  }

  /** Of another system of the customer. */
  addConnection(name: string, over: Json = {}): string {
    const id = this.#ids.next();
    const connection = { id, connection_name: name, active: true, record_type: 'fqdn_connection', tags: [], ...over };
    this.state.fqdnConnections.set(id, connection);
    return id;
  }

  addProfile(name: string): string {
    const id = this.#ids.next();
    this.state.profiles.set(id, { id, name, enabled: true, record_type: 'outbound_voice_profile', tags: [] });
    return id;
  }

  addFqdn(connectionId: string, fqdn: string): string {
    const id = this.#ids.next();
    const record = { id, connection_id: connectionId, fqdn, port: 5060, dns_record_type: 'a', record_type: 'fqdn' };
    this.state.fqdns.set(id, record);
    return id;
  }

  addStock(phoneNumber: string, over: Json = {}): void {
    this.state.stock.set(phoneNumber, stockNumber(phoneNumber, over));
  }

  /** Everything in the account, to be compared. */
  snapshot(): Json {
    const { numbers, voice, profiles, fqdnConnections, credentialConnections, fqdns } = this.state;
    return structuredClone({ numbers, voice, profiles, fqdnConnections, credentialConnections, fqdns });
  }

  protected override pathOf(path: string): string {
    return path.replace(/^\/v2/, '');
  }

  protected override notFound(): FakeAnswer {
    return notFound();
  }

  protected override answerHeaders(): Record<string, string> {
    return this.headers;
  }

  protected override refusal(request: FakeRequest): FakeAnswer | null {
    if (request.headers.authorization !== `Bearer ${this.state.apiKey}`) {
      return telnyxError(401, '10009', 'Could not understand the provided credentials.');
    }
    if (this.everything !== null) return this.everything;
    if (this.deny.has(areaOf(request)))
      return telnyxError(403, '10010', 'You are not permitted to perform this action.');
    return null;
  }

  protected override isExcused(operation: string, violation: string): boolean {
    // In their answers, not in their requests: trunk.ts of the adapter says how that is dealt with.
    const isSecret = /^body\.(?:user_name|password) is not documented$/.test(violation);
    if (isSecret) return operation === 'CreateFqdnConnection' || operation === 'UpdateFqdnConnection';
    // One of the two ways to take a number off its connection; which one is right is not documented.
    return operation === 'UpdatePhoneNumber' && violation === 'body/connection_id: must be string';
  }

  #balance(): Json {
    const { balance, available, credit } = this.state.balance;
    return {
      record_type: 'balance',
      balance,
      available_credit: available,
      credit_limit: credit,
      pending: '0.00',
      currency: 'USD',
    };
  }
}

function areaOf({ path }: FakeRequest): TelnyxArea {
  if (path.startsWith('/balance')) return 'account';
  if (path.startsWith('/phone_numbers')) return 'numbers';
  if (path.startsWith('/outbound_voice_profiles')) return 'voice_profiles';
  return /^\/(?:available_phone_numbers|number_orders|sub_number_orders)/.test(path) ? 'ordering' : 'connections';
}
