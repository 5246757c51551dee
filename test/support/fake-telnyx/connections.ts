// The fake's voice profiles, connections and FQDNs.

import type { FakeAnswer, FakeRequest, Handler } from '../fake-provider.ts';
import { Lag } from '../listing-lag.ts';
import type { Json } from '../openapi-document.ts';
import { AT, data, notFound, page, telnyxError } from './answers.ts';
import type { DecimalIds, TelnyxState } from './state.ts';

const ALL = 250;

export function connectionHandlers(state: TelnyxState, ids: DecimalIds): Record<string, Handler> {
  const lag = new Lag();
  const listed = (request: FakeRequest, things: Map<string, Json>, name: string, size?: number): FakeAnswer => {
    const wanted = request.query.get(`filter[${name}][contains]`)?.toLowerCase() ?? '';
    const items = lag.seen(things).map(([, thing]) => thing);
    return page(
      request,
      items.filter((item) => item[name].toLowerCase().includes(wanted)),
      size,
    );
  };
  const kept = (things: Map<string, Json>, thing: Json): Json => {
    things.set(thing.id, thing);
    lag.isNew(thing.id, state.listLag);
    return thing;
  };
  const connections = (): Json[] => [...state.fqdnConnections.values(), ...state.credentialConnections.values()];
  const users = (profile: string): number =>
    connections().filter(({ outbound }) => outbound?.outbound_voice_profile_id === profile).length;
  const withCount = (profile: Json): Json => ({ ...profile, connections_count: users(profile.id) });
  const profileProblem = (json: Json): FakeAnswer | null => {
    const id = json.outbound?.outbound_voice_profile_id;
    const isKnown = id === undefined || state.profiles.has(id);
    return isKnown ? null : telnyxError(422, '10015', 'No such profile', '/outbound/outbound_voice_profile_id');
  };
  const encryptionProblem = (json: Json): FakeAnswer | null => {
    const isBoth = json.encrypted_media === 'SRTP' && json.transport_protocol === 'TLS';
    if (!isBoth || state.encryptionWithTls) return null;
    return telnyxError(422, '10015', 'encrypted_media cannot be set with TLS', '/encrypted_media');
  };
  /** User name and password take effect, or are left out without a word. */
  const withoutSecrets = (json: Json): Json => {
    if (state.fqdnCredentials) return json;
    const { user_name, password, ...rest } = json;
    return rest;
  };
  const removed = (things: Map<string, Json>, id: string): FakeAnswer => {
    const thing = things.get(id);
    if (thing === undefined) return notFound();
    const isUsed = [...state.numbers.values()].some(({ connection_id }) => connection_id === id) || users(id) > 0;
    if (isUsed) return telnyxError(422, '10021', 'The resource is in use');
    things.delete(id);
    for (const [fqdnId, fqdn] of state.fqdns) if (fqdn.connection_id === id) state.fqdns.delete(fqdnId);
    return data(200, things === state.profiles ? withCount(thing) : thing);
  };

  return {
    ListConnections(request) {
      const items = connections().map(({ id, connection_name, active, tags, record_type }) => ({
        id,
        connection_name,
        active,
        tags,
        record_type,
      }));
      return page(request, items, ALL);
    },
    ListOutboundVoiceProfiles: (request) =>
      listed(request, new Map([...state.profiles].map(([id, profile]) => [id, withCount(profile)])), 'name'),
    CreateVoiceProfile({ json }) {
      const isTaken = [...state.profiles.values()].some(({ name }) => name === json.name);
      if (isTaken) return telnyxError(422, '10012', 'The name is in use', '/name');
      const profile = { ...json, id: ids.next(), record_type: 'outbound_voice_profile', created_at: AT };
      return data(200, withCount(kept(state.profiles, profile)));
    },
    GetOutboundVoiceProfile({ params }) {
      const profile = state.profiles.get(params['id'] ?? '');
      return profile === undefined ? notFound() : data(200, withCount(profile));
    },
    DeleteOutboundVoiceProfile: ({ params }) => removed(state.profiles, params['id'] ?? ''),

    ListFqdnConnections: (request) => listed(request, state.fqdnConnections, 'connection_name', ALL),
    CreateFqdnConnection({ json }) {
      const isTaken = connections().some(({ connection_name }) => connection_name === json.connection_name);
      if (isTaken) return telnyxError(422, '10012', 'The name is in use', '/connection_name');
      const problem = profileProblem(json) ?? encryptionProblem(json);
      if (problem !== null) return problem;
      const made = { ...withoutSecrets(json), id: ids.next(), record_type: 'fqdn_connection', created_at: AT };
      return data(201, kept(state.fqdnConnections, made));
    },
    RetrieveFqdnConnection({ params }) {
      const connection = state.fqdnConnections.get(params['id'] ?? '');
      return connection === undefined ? notFound() : data(200, connection);
    },
    UpdateFqdnConnection({ params, json }) {
      const connection = state.fqdnConnections.get(params['id'] ?? '');
      if (connection === undefined) return notFound();
      const problem = profileProblem(json) ?? encryptionProblem(json) ?? fqdnProblem(state, json);
      if (problem !== null) return problem;
      // Whole objects are replaced: the harder of the two ways to read PATCH.
      const changed = { ...connection, ...withoutSecrets(json) };
      state.fqdnConnections.set(connection.id, changed);
      return data(200, changed);
    },
    DeleteFqdnConnection: ({ params }) => removed(state.fqdnConnections, params['id'] ?? ''),

    ListCredentialConnections: (request) => listed(request, state.credentialConnections, 'connection_name', ALL),
    CreateCredentialConnection({ json }) {
      const isTaken = connections().some(({ connection_name }) => connection_name === json.connection_name);
      if (isTaken) return telnyxError(422, '10012', 'The name is in use', '/connection_name');
      const problem = profileProblem(json);
      if (problem !== null) return problem;
      const made = { ...json, id: ids.next(), record_type: 'credential_connection', created_at: AT };
      return data(201, kept(state.credentialConnections, made));
    },
    UpdateCredentialConnection({ params, json }) {
      const connection = state.credentialConnections.get(params['id'] ?? '');
      if (connection === undefined) return notFound();
      const changed = { ...connection, ...json };
      state.credentialConnections.set(connection.id, changed);
      return data(200, changed);
    },
    DeleteCredentialConnection: ({ params }) => removed(state.credentialConnections, params['id'] ?? ''),

    ListFqdns(request) {
      const connection = request.query.get('filter[connection_id]');
      const items = lag.seen(state.fqdns).map(([, fqdn]) => fqdn);
      return page(
        request,
        items.filter((fqdn) => connection === null || fqdn.connection_id === connection),
        ALL,
      );
    },
    CreateFqdn({ json }) {
      if (!state.fqdnConnections.has(json.connection_id)) return telnyxError(422, '10015', 'No such connection');
      const isTaken = [...state.fqdns.values()].some(
        ({ connection_id, fqdn, port }) =>
          connection_id === json.connection_id && fqdn === json.fqdn && port === json.port,
      );
      if (isTaken) return telnyxError(422, '10012', 'The FQDN is on this connection already', '/fqdn');
      return data(201, kept(state.fqdns, { ...json, id: ids.next(), record_type: 'fqdn', created_at: AT }));
    },
    DeleteFqdn({ params }) {
      const fqdn = state.fqdns.get(params['id'] ?? '');
      if (fqdn === undefined) return notFound();
      state.fqdns.delete(fqdn.id);
      return data(200, fqdn);
    },
  };
}

function fqdnProblem(state: TelnyxState, json: Json): FakeAnswer | null {
  const id = json.inbound?.default_primary_fqdn_id;
  const isKnown = id === undefined || state.fqdns.has(id);
  return isKnown ? null : telnyxError(422, '10015', 'No such FQDN', '/inbound/default_primary_fqdn_id');
}
