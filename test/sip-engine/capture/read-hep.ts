// A reader of HEP 3 written from the specification, for tests.

export interface ReadHep {
  readonly [field: string]: string | number;
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'family',
  2: 'protocol',
  3: 'from',
  4: 'to',
  5: 'from',
  6: 'to',
  7: 'fromPort',
  8: 'toPort',
  11: 'kind',
  12: 'captureId',
  14: 'password',
  15: 'payload',
  17: 'correlation',
};
const TEXTS = new Set([14, 15, 17]);

export function readHep(bytes: Buffer): ReadHep {
  if (bytes.toString('latin1', 0, 4) !== 'HEP3') throw new Error('not HEP 3');
  if (bytes.readUInt16BE(4) !== bytes.length) throw new Error('the length is another');
  const read: Record<string, string | number> = {};
  let seconds = 0;
  let microseconds = 0;
  for (let at = 6; at < bytes.length; ) {
    const type = bytes.readUInt16BE(at + 2);
    const length = bytes.readUInt16BE(at + 4);
    const value = bytes.subarray(at + 6, at + length);
    if (type === 9) seconds = value.readUInt32BE();
    else if (type === 10) microseconds = value.readUInt32BE();
    else read[NAMES[type] ?? `chunk ${type}`] = fieldOf(type, value);
    at += length;
  }
  return { ...read, atMs: seconds * 1000 + microseconds / 1000 };
}

function fieldOf(type: number, value: Buffer): string | number {
  if (TEXTS.has(type)) return value.toString();
  if (type === 3 || type === 4) return [...value].join('.');
  if (type === 5 || type === 6) return value.toString('hex');
  return value.readUIntBE(0, value.length);
}
