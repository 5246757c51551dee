// How a call sounded, in figures of both directions.

import type { Call } from '../../api/resources.ts';
import { Facts } from '../../ui/show.tsx';

export function Quality({ call }: { readonly call: Call }) {
  const { quality } = call;
  if (quality === null) return null;
  // Never answered, and nothing flowed before: figures of nothing.
  if (call.answeredAt === null && quality.packetsReceived + quality.packetsSent === 0) return null;
  const lost = lossOf(quality.packetsReceived, quality.packetsLost);
  return (
    <section className="card" aria-labelledby="quality">
      <div className="card-head">
        <h2 id="quality">Audio quality</h2>
        <span className={`small ${lost.bad ? 'bad' : 'soft'}`}>{lost.text}</span>
      </div>
      <div className="card-body columns narrow">
        <Facts
          of={[
            ['Packets received', figure(quality.packetsReceived)],
            ['Packets sent', figure(quality.packetsSent)],
            ['Lost', figure(quality.packetsLost)],
            ['Jitter', `${quality.jitterMs.toFixed(1)} ms`],
          ]}
        />
        <Facts
          of={[
            ['Late', figure(quality.packetsLate)],
            ['Reordered', figure(quality.packetsReordered)],
            ['Duplicates', figure(quality.packetsDuplicate)],
            ['Dropped', figure(quality.packetsDropped)],
          ]}
        />
        <Facts
          of={[
            ['Frames to the agent', figure(quality.framesToAgent)],
            ['Frames from it', figure(quality.framesFromAgent)],
            ['Dropped: too slow', figure(quality.agentFramesDropped)],
          ]}
        />
      </div>
    </section>
  );
}

/** From here on people hear it. */
const LOSS_HEARD = 0.02;

function lossOf(received: number, lost: number): { readonly text: string; readonly bad: boolean } {
  if (received + lost === 0) return { text: 'no packet came from the other side', bad: true };
  const share = lost / (received + lost);
  return { text: `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} % lost`, bad: share > LOSS_HEARD };
}

function figure(count: number): string {
  return count.toLocaleString('en-US');
}
