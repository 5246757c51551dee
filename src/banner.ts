// What a newcomer reads after `npm start`.

import type { GatewayInfo } from './gateway.ts';

export function banner(info: GatewayInfo): string {
  const sip = info.ports.sipUdp ?? info.ports.sipTcp;
  const api = `http://${info.httpHost}:${info.ports.http}`;
  return `
  Callin Edge ${info.version} is ready.

  Console      ${api}/console/    sign in with the operator token: cat ${info.adminTokenFile}
  Call it      sip:+12025550100@${info.sipHost}:${sip}    echo: you hear yourself
               sip:+12025550103@${info.sipHost}:${sip}    speaker: talks, and stops when you do
               (any SIP phone on this machine; no account, no registration)
  The bill     curl -s -H "Authorization: Bearer $(cat ${info.adminTokenFile})" '${api}/v1/calls?limit=1'
  API          ${api}/docs
  Metrics      ${api}/metrics
  A key        curl -s -X POST -H "Authorization: Bearer $(cat ${info.adminTokenFile})" \\
                 -H 'Content-Type: application/json' -d '{"label":"mine"}' ${api}/v1/workspaces/demo/keys
${info.adminTokenIsNew ? `\n  Operator token (shown once, kept in ${info.adminTokenFile}): ${info.adminToken}\n` : ''}
`;
}

/** Outside the demo only the token, and only when it was made by this start. */
export function tokenNote(info: GatewayInfo): string {
  return info.adminTokenIsNew
    ? `Operator token (shown once, kept in ${info.adminTokenFile}): ${info.adminToken}\n`
    : '';
}
