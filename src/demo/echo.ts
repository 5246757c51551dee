// Is what came back what was said? Compared byte for byte from where the speech is loudest, outwards in both directions.

export interface EchoComparison {
  readonly exact: boolean;
  readonly text: string;
}

const PROBE_BYTES = 320;
const BYTES_PER_MS = 8;

export function compareEcho(spoken: Buffer, heard: Buffer): EchoComparison {
  const probeAt = loudest(spoken);
  const found = heard.indexOf(spoken.subarray(probeAt, probeAt + PROBE_BYTES));
  if (found === -1)
    return { exact: false, text: `nothing of the ${spoken.length} bytes said came back (${heard.length} bytes heard)` };
  const start = found - probeAt;
  let equal = 0;
  for (let index = 0; index < spoken.length; index++) if (heard[start + index] === spoken[index]) equal += 1;
  const exact = equal === spoken.length;
  const words = exact ? `all ${equal} bytes came back exactly` : `${equal} of ${spoken.length} bytes came back exactly`;
  return { exact, text: `${words}; the echo began ${Math.round(start / BYTES_PER_MS)} ms into what was heard` };
}

/** Offset of the window with the most speech in it: mu-law codes far from silence (0xFF, 0x7F) are loud. */
function loudest(audio: Buffer): number {
  let best = { offset: 0, loudness: -1 };
  for (let offset = 0; offset + PROBE_BYTES <= audio.length; offset += PROBE_BYTES) {
    let loudness = 0;
    for (let index = offset; index < offset + PROBE_BYTES; index++) loudness += 0x7f - (audio.readUInt8(index) & 0x7f);
    if (loudness > best.loudness) best = { offset, loudness };
  }
  return best.offset;
}
