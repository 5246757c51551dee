// The session description in a SIP body: alone, or beside others in a multipart body (SIP-I carriers add ISUP, RFC 5621).

/** `sdp`: the description; `none`: no body; `other`: a body we cannot use (415). */
export type BodyReading = { readonly kind: 'sdp'; readonly sdp: string } | { readonly kind: 'none' | 'other' };

const PARTS_MAX = 8;

export function readBody(
  body: string,
  contentType: string | undefined,
  contentEncoding: string | undefined,
): BodyReading {
  if (body.trim() === '') return { kind: 'none' };
  if (contentEncoding !== undefined && !/^\s*identity\s*$/i.test(contentEncoding)) return { kind: 'other' };
  const type = mediaType(contentType);
  if (type === 'application/sdp') return { kind: 'sdp', sdp: body };
  if (type !== 'multipart/mixed') return { kind: 'other' };
  const sdp = sdpPart(body, contentType ?? '');
  return sdp === undefined ? { kind: 'other' } : { kind: 'sdp', sdp };
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function sdpPart(body: string, contentType: string): string | undefined {
  const match = /;\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) return undefined;
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, PARTS_MAX + 1);
  for (const part of parts) {
    // `--` after the boundary closes the body.
    if (part.startsWith('--')) return undefined;
    const end = part.indexOf('\r\n\r\n');
    if (end === -1) continue;
    const type = /^content-type\s*:\s*(.*)$/im.exec(part.slice(0, end))?.[1];
    if (mediaType(type) === 'application/sdp') return `${part.slice(end + 4)}\r\n`;
  }
  return undefined;
}
