// Where a key stands in a Redis Cluster: CRC-16 (XMODEM) of its hash tag, else of all of it, as the Cluster's specification says.

/** Of a Cluster. */
export const SLOTS = 16_384;

const POLYNOMIAL = 0x1021;

export function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tagOf(key))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : POLYNOMIAL)) & 0xffff;
  }
  return crc % SLOTS;
}

/** What stands between the first `{` and the next `}`, where that is anything. */
function tagOf(key: string): string {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open + 1);
  return open === -1 || close <= open + 1 ? key : key.slice(open + 1, close);
}
