// The 49 messages of RFC 4475, from its bit-exact archive. `<name>.txt` holds a message with its line ends as LF (every line
// end of the original is CR LF); `<name>.hex` holds those with other bytes in them.
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('.', import.meta.url);

/** Name of the message in the RFC -> its bytes. */
export const tortureMessages: ReadonlyMap<string, Buffer> = new Map(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt') || file.endsWith('.hex'))
    .sort()
    .map((file) => [file.slice(0, -4), read(file)]),
);

function read(file: string): Buffer {
  const text = readFileSync(new URL(file, FOLDER), 'latin1');
  if (file.endsWith('.hex')) return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
}
