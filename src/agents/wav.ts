// WAV files (RIFF, IBM/Microsoft 1991; WAVE_FORMAT_PCM, _ALAW, _MULAW): what the demo and the bundled agents need, no more.
// Mono or multi-channel 16-bit PCM and mono G.711; the bytes of the data chunk are handed out as they are.

export type WavEncoding = 'pcm16' | 'PCMA' | 'PCMU';

export interface Wav {
  readonly encoding: WavEncoding;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** The data chunk: little-endian samples for pcm16, one byte per sample for G.711. */
  readonly data: Buffer;
}

export type WavOutcome = { readonly ok: true; readonly wav: Wav } | { readonly ok: false; readonly detail: string };

const FORMATS: readonly (readonly [number, number, WavEncoding])[] = [
  [1, 16, 'pcm16'],
  [6, 8, 'PCMA'],
  [7, 8, 'PCMU'],
];
const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

/** Reads a whole file. Unknown chunks are skipped; a data chunk that is cut short, or announces no length, goes to the end of the file. */
export function readWav(file: Buffer): WavOutcome {
  if (file.length < RIFF_HEADER_BYTES || tag(file, 0) !== 'RIFF' || tag(file, 8) !== 'WAVE')
    return refused('not a WAV file');
  let format: { encoding: WavEncoding; channels: number; sampleRateHz: number } | undefined;
  for (let at = RIFF_HEADER_BYTES; at + CHUNK_HEADER_BYTES <= file.length; ) {
    const name = tag(file, at);
    const size = file.readUInt32LE(at + 4);
    const body = at + CHUNK_HEADER_BYTES;
    if (name === 'fmt ' && size >= 16 && body + 16 <= file.length) {
      const code = file.readUInt16LE(body);
      const bits = file.readUInt16LE(body + 14);
      const known = FORMATS.find(([wanted, width]) => wanted === code && width === bits);
      if (!known) return refused(`format ${code} with ${bits} bits is not supported`);
      format = { encoding: known[2], channels: file.readUInt16LE(body + 2), sampleRateHz: file.readUInt32LE(body + 4) };
      if (format.channels === 0 || format.sampleRateHz === 0) return refused('no channels or no sample rate');
    } else if (name === 'data') {
      if (!format) return refused('data comes before its format');
      return { ok: true, wav: { ...format, data: file.subarray(body, Math.min(body + size, file.length)) } };
    }
    at = body + size + (size & 1);
  }
  return refused('no data chunk');
}

/** A file with the 44-byte header of PCM, or the 58-byte one that other encodings need (cbSize and `fact`). */
export function writeWav({ encoding, sampleRateHz, channels, data }: Wav): Buffer {
  const [code, bits] = FORMATS.find(([, , name]) => name === encoding)!;
  const pcm = encoding === 'pcm16';
  const header = Buffer.alloc(pcm ? 44 : 58);
  const frameBytes = (channels * bits) / 8;
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(header.length - 8 + data.length + (data.length & 1), 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(pcm ? 16 : 18, 16);
  header.writeUInt16LE(code, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * frameBytes, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(bits, 34);
  if (!pcm) {
    header.write('fact', 38, 'latin1');
    header.writeUInt32LE(4, 42);
    header.writeUInt32LE(data.length / frameBytes, 46);
  }
  header.write('data', header.length - 8, 'latin1');
  header.writeUInt32LE(data.length, header.length - 4);
  return Buffer.concat([header, data, Buffer.alloc(data.length & 1)]);
}

function tag(file: Buffer, at: number): string {
  return file.toString('latin1', at, at + 4);
}

function refused(detail: string): WavOutcome {
  return { ok: false, detail };
}
