// What a file is, told from its bytes: names and declared types are somebody's word. A file passes that begins, goes on and ends as its format says;
// whether a picture shows what it should, a person sees.
//
//   PDF    %PDF-1.x or 2.x at the first byte, a cross-reference, startxref and %%EOF near the end (ISO 32000-1 7.5)
//   JPEG   SOI, well-formed segments up to a scan with one frame header of sane size, EOI (ITU-T T.81 annex B)
//   PNG    signature, IHDR first, every chunk's length and CRC right, IEND last with nothing behind it (W3C PNG 5)

import { crc32 } from 'node:zlib';

export const MEDIA_TYPES = ['application/pdf', 'image/jpeg', 'image/png'] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];
export const EXTENSIONS: Readonly<Record<MediaType, string>> = {
  'application/pdf': 'pdf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
};

/** A4 at 600 dpi is 35 million; far beyond it a viewer is made to unpack gigabytes. */
const PIXELS_MAX = 120_000_000;
const SIDE_MAX = 30_000;

/** Undefined for all that is none of them, or is broken or cut off. */
export function mediaTypeOf(bytes: Uint8Array): MediaType | undefined {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isPdf(content)) return 'application/pdf';
  if (isJpeg(content)) return 'image/jpeg';
  return isPng(content) ? 'image/png' : undefined;
}

/** Readers look for the end mark in the last 1 024 bytes. */
const PDF_TAIL = 1_024;

function isPdf(content: Buffer): boolean {
  if (!/^%PDF-(?:1\.[0-7]|2\.0)[\r\n ]/.test(content.toString('latin1', 0, 9))) return false;
  const tail = content.toString('latin1', Math.max(0, content.length - PDF_TAIL));
  const match = /startxref[\r\n ]+(\d{1,10})[\r\n ]+%%EOF\s*$/.exec(tail);
  if (match === null) return false;
  const at = Number(match[1]);
  if (at === 0 || at >= content.length) return false;
  // A table of cross-references, or an object that is a stream of them.
  return /^\s*(?:xref[\r\n ]|\d{1,10} \d{1,5} obj)/.test(content.toString('latin1', at, at + 64));
}

function isJpeg(content: Buffer): boolean {
  if (content.length < 4 || content.readUInt16BE(0) !== 0xffd8) return false;
  let at = 2;
  let hasFrame = false;
  while (at + 4 <= content.length) {
    if (content[at] !== 0xff) return false;
    const marker = content[at + 1] ?? 0;
    // Fill bytes before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = content.readUInt16BE(at + 2);
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || length < 2 || at + 2 + length > content.length)
      return false;
    if (isFrameHeader(marker)) {
      if (length < 8 || !isSize(content.readUInt16BE(at + 7), content.readUInt16BE(at + 5))) return false;
      hasFrame = true;
    }
    // After the header of the first scan comes coded data; cameras put things of their own behind the end mark.
    if (marker === 0xda) return hasFrame && content.indexOf(Buffer.from([0xff, 0xd9]), at + 2 + length) !== -1;
    at += 2 + length;
  }
  return false;
}

/** SOF0 to SOF15, without DHT, JPG and DAC that stand among them. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, name and CRC. */
const PNG_CHUNK_FRAME = 12;

function isPng(content: Buffer): boolean {
  if (content.length < 8 || !content.subarray(0, 8).equals(PNG_SIGNATURE)) return false;
  let at = 8;
  let hasData = false;
  while (at + PNG_CHUNK_FRAME <= content.length) {
    const length = content.readUInt32BE(at);
    const end = at + PNG_CHUNK_FRAME + length;
    if (end > content.length) return false;
    const name = content.toString('latin1', at + 4, at + 8);
    if (crc32(content.subarray(at + 4, end - 4)) !== content.readUInt32BE(end - 4)) return false;
    const isFirst = at === 8;
    if (isFirst !== (name === 'IHDR')) return false;
    if (isFirst && (length !== 13 || !isSize(content.readUInt32BE(at + 8), content.readUInt32BE(at + 12))))
      return false;
    if (name === 'IDAT') hasData = true;
    if (name === 'IEND') return hasData && length === 0 && end === content.length;
    at = end;
  }
  return false;
}

function isSize(width: number, height: number): boolean {
  return width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX && width * height <= PIXELS_MAX;
}
