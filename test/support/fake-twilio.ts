// A Twilio that is a server on loopback: accounts, numbers, SIP lists and trunks with state, errors as documented, switchable faults.
//
//   const twilio = await startFakeTwilio();
//   const number = twilio.addNumber('+12025550100');
//   twilio.deny.add('trunks');                        // the key lacks a permission: 403, 70051
//   twilio.fail('CreateTrunk', { kind: 'reset', processed: true });

import { type FakeAnswer, FakeProvider, type FakeRequest, type Handler } from './fake-provider.ts';
import { DATE_2010, notFound, twilioError } from './fake-twilio/answers.ts';
import { numberHandlers, twilioNumber } from './fake-twilio/numbers.ts';
import { sipListHandlers } from './fake-twilio/sip-lists.ts';
import { newTwilioState, Sids, type TwilioState } from './fake-twilio/state.ts';
import { nothingOn, trunkHandlers } from './fake-twilio/trunks.ts';
import { Lag } from './listing-lag.ts';
import { type Json, loadDocument } from './openapi-document.ts';

export const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
export const AUTH_TOKEN = 'f00dfacef00dfacef00dfacef00dface';
export const TEST_CREDENTIALS = { accountSid: `AC${'7e57'.repeat(8)}`, authToken: '7e57'.repeat(8) };

export type TwilioArea = 'account' | 'numbers' | 'trunks' | 'sip_lists';

export async function startFakeTwilio(): Promise<FakeTwilio> {
  const fake = new FakeTwilio();
  await fake.listen();
  return fake;
}

export class FakeTwilio extends FakeProvider {
  readonly state: TwilioState = newTwilioState(ACCOUNT_SID, AUTH_TOKEN);
  /** What the key may not do. */
  readonly deny = new Set<TwilioArea>();
  /** Suspended and closed accounts answer every request with 401 and 20003, not only their status. */
  isLockedOut = false;
  readonly #sids = new Sids();
  readonly #lag = new Lag();
  protected override readonly handlers: Readonly<Record<string, Handler>>;

  constructor() {
    super([loadDocument('twilio-api-v2010'), loadDocument('twilio-trunking-v1')]);
    this.handlers = {
      FetchAccount: () => ({ status: 200, body: this.#account() }),
      FetchBalance: () => ({
        status: 200,
        body: { account_sid: this.state.accountSid, balance: this.state.balance, currency: 'USD' },
      }),
      ...numberHandlers(this.state),
      ...sipListHandlers(this.state, this.#sids, this.#lag),
      ...trunkHandlers(this.state, this.#sids, this.#lag),
    };
  }

  /** For `settings.twilio`. */
  get urls() {
    return { apiUrl: this.origin, trunkingUrl: this.origin };
  }

  addNumber(phoneNumber: string, over: Json = {}): Json {
    return twilioNumber(this.state, this.#sids, phoneNumber, over);
  }

  /** Of another system of the customer. */
  addTrunk(domainName: string): string {
    const sid = this.#sids.next('TK');
    this.state.trunks.set(sid, { sid, domainName, friendlyName: domainName, secure: false, ...nothingOn() });
    return sid;
  }

  addCredentialList(name: string): string {
    const sid = this.#sids.next('CL');
    this.state.credentialLists.set(sid, { name, credentials: new Map() });
    return sid;
  }

  /** Everything in the account, to be compared. Sids of what was made anew differ from run to run: `shape` has names instead. */
  snapshot(): Json {
    const { numbers, trunks, credentialLists, addressLists } = this.state;
    return structuredClone({ numbers, trunks, credentialLists, addressLists });
  }

  protected override notFound(): FakeAnswer {
    return notFound();
  }

  protected override refusal(request: FakeRequest): FakeAnswer | null {
    const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
    const [user = '', token = ''] = Buffer.from(encoded, 'base64').toString().split(':');
    const { accountSid, authToken } = this.state;
    if (scheme === 'Basic' && user === TEST_CREDENTIALS.accountSid && token === TEST_CREDENTIALS.authToken) {
      return twilioError(403, 20008, 'Resource not accessible with Test Account Credentials');
    }
    if (scheme !== 'Basic' || user !== accountSid || token !== authToken || this.isLockedOut) {
      return twilioError(401, 20003, 'Authenticate');
    }
    const account = request.params['AccountSid'] ?? accountSid;
    if (account !== accountSid) return notFound();
    if (this.deny.has(areaOf(request))) return twilioError(403, 70051, 'Authorization policy does not allow this');
    return null;
  }

  #account(): Json {
    const { accountSid, authToken, status, type, ownerSid } = this.state;
    return {
      sid: accountSid,
      // As the real one does.
      auth_token: authToken,
      friendly_name: 'A customer',
      owner_account_sid: ownerSid,
      status,
      type,
      date_created: DATE_2010,
      date_updated: DATE_2010,
      subresource_uris: {},
      uri: `/2010-04-01/Accounts/${accountSid}.json`,
    };
  }
}

function areaOf({ path }: FakeRequest): TwilioArea {
  if (path.startsWith('/v1/Trunks')) return 'trunks';
  if (path.includes('/SIP/')) return 'sip_lists';
  return path.includes('/IncomingPhoneNumbers') ? 'numbers' : 'account';
}
