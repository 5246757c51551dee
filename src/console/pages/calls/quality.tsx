// How a call sounded, in figures of both directions.

import type { Call } from '../../api/resources.ts';
import { Facts } from '../../ui/show.tsx';

export function Quality({ call }: { readonly call: Call }) {
  const { quality } = call;
  if (quality === null) return null;
  const lost = lossOf(quality.packetsReceived, quality.packetsLost);
  return (
    <section className="card" aria-labelledby="quality">
      <div className="card-head">
        <h2 id="quality">Audio quality</h2>
        <span className={`small ${lost.bad ? 'bad' : 'soft'}`}>{lost.text} lost</span>
      </div>
      <div className="card-body columns narrow">
        <Facts
          of={[
            ['Received', packets(quality.packetsReceived)],
            ['Sent', packets(quality.packetsSent)],
            ['Lost', packets(quality.packetsLost)],
            ['Jitter', `${quality.jitterMs.toFixed(1)} ms`],
          ]}
        />
        <Facts
          of={[
            ['Late', packets(quality.packetsLate)],
            ['Reordered', packets(quality.packetsReordered)],
            ['Duplicates', packets(quality.packetsDuplicate)],
            ['Dropped', packets(quality.packetsDropped)],
          ]}
        />
        <Facts
          of={[
            ['To the agent', frames(quality.framesToAgent)],
            ['From the agent', frames(quality.framesFromAgent)],
            ['Agent too slow', frames(quality.agentFramesDropped)],
          ]}
        />
      </div>
    </section>
  );
}

/** From here on people hear it. */
const LOSS_HEARD = 0.02;

function lossOf(received: number, lost: number): { readonly text: string; readonly bad: boolean } {
  const share = received + lost === 0 ? 0 : lost / (received + lost);
  return { text: `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`, bad: share > LOSS_HEARD };
}

function packets(count: number): string {
  return `${count.toLocaleString('en-US')} packets`;
}

function frames(count: number): string {
  return `${count.toLocaleString('en-US')} frames`;
}
