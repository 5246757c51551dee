// Whether the carrier answers, since when, and what it said last.

import type { Trunk } from '../../api/resources.ts';
import { Badge, Notice, type Tone } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';

const TONES: Readonly<Record<'up' | 'down' | 'unknown', Tone>> = { up: 'good', down: 'bad', unknown: 'plain' };
const WORDS = { up: 'Up', down: 'Down', unknown: 'Not known yet' } as const;

export function HealthBadge({ health }: Pick<Trunk, 'health'>) {
  const state = health?.state ?? 'unknown';
  return (
    <Badge tone={TONES[state]} dot>
      {WORDS[state]}
    </Badge>
  );
}

export function TrunkHealth({ trunk }: { readonly trunk: Trunk }) {
  const { health } = trunk;
  if (health === null || health.state === 'unknown') return null;
  return (
    <Notice
      tone={health.state === 'up' ? 'good' : 'bad'}
      title={health.state === 'up' ? 'The carrier answers' : 'The carrier does not answer'}
    >
      Since <Time at={health.since} />
      {health.lastError === null || health.state === 'up' ? '' : `: ${health.lastError}`}
    </Notice>
  );
}
