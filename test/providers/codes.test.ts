import { describe, expect, test } from 'vitest';
import { telnyxRefusal } from '../../src/providers/telnyx/codes.ts';
import { twilioRefusal } from '../../src/providers/twilio/codes.ts';
import { PROVIDER_ERRORS, type ProviderErrorCode } from '../../src/providers/index.ts';

// What the two providers' own codes mean, as their documentation has them. Looked up by provider and code, never by code alone.

const TWILIO: [number, number | null, ProviderErrorCode][] = [
  [401, 20003, 'credentials_refused'],
  [401, null, 'credentials_refused'],
  [403, 70051, 'permission_numbers'],
  [403, null, 'permission_numbers'],
  [403, 20008, 'test_credentials'],
  [403, 10002, 'trial_limit'],
  [400, 32100, 'trial_limit'],
  [403, 20005, 'account_inactive'],
  [403, 10001, 'account_inactive'],
  [400, 21422, 'number_gone'],
  [400, 21458, 'number_wrong_type'],
  [400, 21452, 'out_of_stock'],
  [400, 21451, 'area_code_invalid'],
  [400, 21457, 'area_code_invalid'],
  [400, 21421, 'number_invalid'],
  [400, 21631, 'address_required'],
  [400, 21613, 'address_certification'],
  [400, 21649, 'documents_required'],
  [400, 21648, 'resource_in_use'],
  [400, 21247, 'resource_in_use'],
  [400, 21240, 'name_taken'],
  [409, null, 'name_taken'],
  [404, 20404, 'not_found'],
  [404, null, 'not_found'],
  [429, 20429, 'rate_limited'],
  [429, null, 'rate_limited'],
  [500, null, 'provider_fault'],
  [503, null, 'provider_fault'],
  [400, 99999, 'request_refused'],
  [400, null, 'request_refused'],
  [302, null, 'provider_answer_invalid'],
];

const TELNYX: [number, string | null, ProviderErrorCode][] = [
  [401, '10009', 'credentials_refused'],
  [401, '20001', 'credentials_refused'],
  [401, '20008', 'credentials_refused'],
  [401, '20002', 'key_revoked'],
  [401, null, 'credentials_refused'],
  [403, '10010', 'permission_numbers'],
  [403, '20003', 'permission_numbers'],
  [403, null, 'permission_numbers'],
  [403, '10038', 'account_tier'],
  [403, '10039', 'account_tier'],
  [403, '20014', 'verification_needed'],
  [403, '20016', 'verification_needed'],
  [403, '20017', 'verification_needed'],
  [403, '20012', 'account_inactive'],
  [403, '20013', 'account_blocked'],
  [402, '20100', 'insufficient_funds'],
  [422, '85000', 'number_not_searched'],
  [422, '85001', 'number_gone'],
  [422, '85006', 'number_reserved'],
  [422, '85007', 'reservations_full'],
  [422, '85008', 'reservation_over'],
  [422, '10002', 'number_invalid'],
  [422, '10016', 'number_invalid'],
  [422, '10021', 'resource_in_use'],
  [422, '10012', 'name_taken'],
  [409, null, 'name_taken'],
  [422, '10036', 'number_processing'],
  [404, '10005', 'not_found'],
  [404, null, 'not_found'],
  [429, '10011', 'rate_limited'],
  [429, null, 'rate_limited'],
  [500, '10007', 'provider_fault'],
  // A fault of theirs, whatever code it comes with.
  [500, '10005', 'provider_fault'],
  [503, null, 'provider_fault'],
  [422, '10015', 'request_refused'],
  [400, '99999', 'request_refused'],
];

describe('Twilio', () => {
  test.each(TWILIO)('%i with %s is %s', (status, theirs, code) => {
    const body = theirs === null ? undefined : { code: theirs, message: 'No.', more_info: '', status };
    const refusal = twilioRefusal(status, body, 'numbers');
    expect(refusal).toEqual({
      code,
      theirs: theirs === null ? null : String(theirs),
      message: theirs === null ? null : 'No.',
    });
  });

  test('a missing permission is the one that was asked for', () => {
    const areas = ['account', 'numbers', 'trunks', 'sip_lists'] as const;
    const body = { code: 70051, message: 'No.' };
    expect(areas.map((area) => twilioRefusal(403, body, area).code)).toEqual([
      'permission_account',
      'permission_numbers',
      'permission_trunks',
      'permission_sip_lists',
    ]);
  });
});

describe('Telnyx', () => {
  test.each(TELNYX)('%i with %s is %s', (status, theirs, code) => {
    const body = theirs === null ? undefined : { errors: [{ code: theirs, title: 'No', detail: 'No.' }] };
    const refusal = telnyxRefusal(status, body, 'numbers');
    expect(refusal).toEqual({ code, theirs, message: theirs === null ? null : 'No.' });
  });

  test('a missing permission is the one that was asked for', () => {
    const areas = ['account', 'numbers', 'connections', 'voice_profiles', 'ordering'] as const;
    const body = { errors: [{ code: '10010' }] };
    expect(areas.map((area) => telnyxRefusal(403, body, area).code)).toEqual(areas.map((area) => `permission_${area}`));
  });

  test('of several errors the first that is known counts, and all are told', () => {
    const body = { errors: [{ code: '1', detail: 'One.' }, { code: '10021', title: 'In use' }, null, 'x'] };
    expect(telnyxRefusal(422, body, 'connections')).toEqual({
      code: 'resource_in_use',
      theirs: '10021',
      message: 'One.; In use',
    });
  });

  test('what is said of encrypted media is told apart from every other 422', () => {
    const body = { errors: [{ code: '10015', detail: 'No.', source: { pointer: '/encrypted_media' } }] };
    expect(telnyxRefusal(422, body, 'connections').code).toBe('encrypted_media_refused');
    expect(telnyxRefusal(500, body, 'connections').code).toBe('provider_fault');
  });

  test.each([null, 'text', [], { errors: 'x' }, { errors: [{ code: {} }] }])(
    'a body that is %j is read by its status',
    (body) => {
      expect(telnyxRefusal(404, body, 'numbers').code).toBe('not_found');
      expect(twilioRefusal(404, body, 'numbers').code).toBe('not_found');
    },
  );
});

test('the same number is another thing at the other provider', () => {
  const codes = ['20003', '20008', '10002'] as const;
  const twilio = codes.map((code) => twilioRefusal(403, { code: Number(code) }, 'numbers').code);
  const telnyx = codes.map((code) => telnyxRefusal(403, { errors: [{ code }] }, 'numbers').code);
  expect(twilio).toEqual(['credentials_refused', 'test_credentials', 'trial_limit']);
  expect(telnyx).toEqual(['permission_numbers', 'credentials_refused', 'number_invalid']);
});

test('every code that a refusal can have is in the catalogue, with whose turn it is', () => {
  for (const [, , code] of [...TWILIO, ...TELNYX]) expect(PROVIDER_ERRORS[code].advice).not.toBe('');
});
