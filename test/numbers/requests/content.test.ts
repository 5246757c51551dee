import { describe, expect, test } from 'vitest';
import { mediaTypeOf } from '../../../src/numbers/requests/content.ts';
import { jpeg, pdf, png, pngChunk } from './stage.ts';

describe('files that are what they should be', () => {
  test('are known by their bytes', () => {
    expect(mediaTypeOf(pdf())).toBe('application/pdf');
    expect(mediaTypeOf(png())).toBe('image/png');
    expect(mediaTypeOf(jpeg())).toBe('image/jpeg');
  });

  test('a PDF with a stream of cross-references, and one that was saved again, are some', () => {
    const text = pdf().toString('latin1');
    const body = text.slice(0, text.lastIndexOf('xref\n0'));
    const stream = `${body}7 0 obj\n<< /Type /XRef >>\nstream\nendstream\nendobj\nstartxref\n${body.length}\n%%EOF`;
    expect(mediaTypeOf(Buffer.from(stream, 'latin1'))).toBe('application/pdf');
    const again = `${text}8 0 obj\n<< >>\nendobj\nxref\n8 1\n0000000600 00000 n \ntrailer\n<< >>\nstartxref\n${text.indexOf('xref\n0')}\n%%EOF\r\n`;
    expect(mediaTypeOf(Buffer.from(again, 'latin1'))).toBe('application/pdf');
  });

  test('a picture of a camera, with things of its own behind the end mark, is one', () => {
    expect(mediaTypeOf(Buffer.concat([jpeg(), Buffer.from('SEFT trailer of a telephone')]))).toBe('image/jpeg');
  });

  test('bytes at an offset of a larger buffer are read at that offset', () => {
    const large = Buffer.concat([Buffer.alloc(100, 0x20), png()]);
    expect(mediaTypeOf(new Uint8Array(large.buffer, large.byteOffset + 100, large.length - 100))).toBe('image/png');
  });
});

describe('files that are something else', () => {
  const zip = Buffer.from('504b0304140000000800', 'hex');
  const html = '<!doctype html><script>alert(1)</script>';
  const others: Readonly<Record<string, Buffer>> = {
    nothing: Buffer.alloc(0),
    'one byte': Buffer.from([0x25]),
    text: Buffer.from('Calle Gran Via 12'),
    HTML: Buffer.from(html),
    SVG: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    'a zip (and so Word, Excel, Java)': zip,
    'a program of Windows': Buffer.from('4d5a90000300000004000000ffff0000', 'hex'),
    'a program of Linux': Buffer.from('7f454c4602010100', 'hex'),
    GIF: Buffer.from('GIF89a\x01\x00\x01\x00\x80\x00\x00', 'latin1'),
    'HTML with the name of a PDF within': Buffer.from(`${html}%PDF-1.4`),
    'magic bytes of a PDF alone': Buffer.from('%PDF-1.4\n'),
    'magic bytes of a PDF, then HTML': Buffer.from(`%PDF-1.4\n${html}`),
    'a PDF that says its table is at 0': Buffer.from('%PDF-1.4\nstartxref\n0\n%%EOF'),
    'a PDF whose table is elsewhere': Buffer.from(`%PDF-1.4\n${html}\nstartxref\n10\n%%EOF`),
    'a PDF with bytes before it': Buffer.concat([zip, pdf()]),
    'a PDF with HTML behind it': Buffer.concat([pdf(), Buffer.from(html)]),
    'magic bytes of a PNG alone': png().subarray(0, 8),
    'a PNG with bytes behind it': Buffer.concat([png(), zip]),
    'a PNG without a picture': Buffer.concat([png().subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]),
    'a PNG of no width': png(0, 2),
    'a PNG that unpacks to gigabytes': png(30_000, 30_000),
    'magic bytes of a JPEG alone': Buffer.from([0xff, 0xd8, 0xff]),
    'a JPEG without a picture': Buffer.from('ffd8ffd9', 'hex'),
    'a JPEG header, then HTML': Buffer.concat([jpeg().subarray(0, 20), Buffer.from(html)]),
  };
  test.each(Object.keys(others))('%s', (name) => {
    expect(mediaTypeOf(others[name] ?? Buffer.alloc(0))).toBeUndefined();
  });

  test.each([
    ['PDF', pdf()],
    ['PNG', png()],
    ['JPEG', jpeg()],
  ])('a %s that is cut off anywhere', (_name, whole) => {
    // A JPEG is whole with its end mark, a PDF with the last letter of its own.
    const last = whole.toString('latin1').trimEnd().length;
    for (let length = 0; length < last; length += 1)
      expect(mediaTypeOf(whole.subarray(0, length)), String(length)).toBeUndefined();
  });

  test('a PNG with one bit changed anywhere', () => {
    for (let index = 0; index < png().length; index += 1) {
      const changed = Buffer.from(png());
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(mediaTypeOf(changed), String(index)).toBeUndefined();
    }
  });

  test('random bytes behind each beginning never throw', () => {
    for (let seed = 0; seed < 3_000; seed += 1) {
      const tail = Buffer.from(Array.from({ length: 40 }, (_, index) => (seed * 31 + index * index * 7) & 255));
      for (const head of [pdf(), png(), jpeg()])
        mediaTypeOf(Buffer.concat([head.subarray(0, seed % head.length), tail]));
    }
  });
});
