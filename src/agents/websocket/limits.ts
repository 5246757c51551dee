// Bounds of one WebSocket to a runtime, each with its reason.

/** One read per system call; shared by all TCP connections of a thread, because it is emptied before the read callback returns. */
export const READ_BYTES = 64 * 1024;
/** TLS hands out at most one record (16 kB) at a time; not shared, because decryption may run inside a write. */
export const TLS_READ_BYTES = 16 * 1024;
/** Status line and headers of the upgrade's answer. Proxies add a few hundred bytes; nobody needs more than this. */
export const RESPONSE_HEADER_BYTES_MAX = 8 * 1024;
/** Longest message from a runtime: 96 s of G.711 in one base64 message. Bounds what a declared length can make us keep. */
export const MESSAGE_BYTES_MAX = 1024 * 1024;
/** What a connection keeps of a reassembly buffer between messages; larger ones are given back. */
export const HELD_BYTES_KEPT = 4 * 1024;
/** Queued bytes from which the runtime counts as not reading: 3 s of audio, on top of what the kernel holds. */
export const CONGESTED_BYTES = 64 * 1024;
/** Queued bytes that end the stream: only marks and pongs get past CONGESTED_BYTES, so this is a flood that is never read. */
export const QUEUED_BYTES_MAX = 256 * 1024;
/** Payload that fits the thread's shared frame: a 20 ms message has about 370 bytes, 60 ms about 800. */
export const SHARED_FRAME_BYTES = 2048;

export const PING_EVERY_MS = 5_000;
/** No byte at all for this long: the peer is gone (two pings unanswered). */
export const DEAD_AFTER_MS = 10_000;
/** A runtime that used to answer pings leaves one unanswered for this long while it still sends: it no longer reads. */
export const PONG_OVERDUE_MS = 10_000;
/** How long we wait for the peer's side of the close (RFC 6455 7.1.1) before the socket is destroyed. */
export const CLOSE_WAIT_MS = 2_000;
