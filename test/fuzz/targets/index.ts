// Every parser of ours that reads what others wrote. A new parser is one entry more.

import type { FuzzTarget } from '../harness.ts';
import { AGENT_TARGETS } from './agents.ts';
import { CARRIER_TARGETS } from './carrier-words.ts';
import { FILE_TARGETS } from './files.ts';
import { MEDIA_TARGETS } from './media.ts';
import { SIP_TARGETS } from './sip.ts';
import { WIRE_TARGETS } from './wire.ts';

export const TARGETS: readonly FuzzTarget[] = [
  ...SIP_TARGETS,
  ...CARRIER_TARGETS,
  ...WIRE_TARGETS,
  ...MEDIA_TARGETS,
  ...AGENT_TARGETS,
  ...FILE_TARGETS,
];
