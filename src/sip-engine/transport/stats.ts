/** Counters of one transport layer; read by the engine, never reset. */
export class TransportStats {
  received = 0;
  sent = 0;
  /** Sends that did not reach the kernel or were refused. */
  sendFailures = 0;
  keepalives = 0;
  /** Connections closed because unfinished messages took too much memory. */
  memoryRefused = 0;
  /** Connections closed because their peer no longer answered. */
  connectionsDead = 0;
  /** Messages refused by the parser or the validator. */
  malformed = 0;
  /** Streams closed because their framing was ambiguous, oversized or too slow. */
  streamViolations = 0;
  connectionsAccepted = 0;
  connectionsOpened = 0;
  /** Turned away at a connection limit. */
  connectionsRefused = 0;
  /** TLS handshakes that failed, in either direction; most are scanners, or a certificate that does not hold. */
  handshakeFailures = 0;
  /** WebSocket upgrades refused: another origin, another subprotocol, or no WebSocket at all. */
  upgradesRefused = 0;
  icmpErrors = 0;
  readonly malformedBySource = new Map<string, number>();
  readonly #sourcesMax: number;

  constructor(malformedSourcesMax: number) {
    this.#sourcesMax = malformedSourcesMax;
  }

  countMalformed(address: string): void {
    this.malformed++;
    const count = this.malformedBySource.get(address);
    // Re-inserting moves a busy source to the young end, so that a sweep of forged addresses pushes out only the quiet ones.
    if (count !== undefined) this.malformedBySource.delete(address);
    else if (this.malformedBySource.size >= this.#sourcesMax) {
      const oldest = this.malformedBySource.keys().next();
      if (oldest.done !== true) this.malformedBySource.delete(oldest.value);
    }
    this.malformedBySource.set(address, (count ?? 0) + 1);
  }
}
