// Does the carrier accept the trunk's username and password? It can be known only from a carrier that asks: by its answer to OPTIONS, and where
// that asks for nothing, by its answer to a REGISTER that registers nothing (no Contact; RFC 3261 section 10.2.3). Most carriers that know
// accounts challenge one of the two; the others are honestly called unknown. No INVITE is sent: it would be a call.
//
//   answer to the credentials        verdict
//   401, 407 once more, 403          refused
//   408, 5xx                         unknown
//   anything else                    accepted (to REGISTER: 2xx alone; 404, 405, 501 and their like say nothing of a trunk that need not register)

import type { Answer, Question } from '../signalling/index.ts';
import { ADVICE, advise, DOCS } from './advice.ts';
import type { Deadline } from './deadline.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

export interface CredentialsParts {
  readonly ask: (question: Question) => Promise<Answer>;
  readonly deadline: Deadline;
}

const REGISTER_MS = 2_000;
const REFUSED = new Set([401, 403, 407]);

/** `answer`: to OPTIONS. Empty where the carrier was not heard of. */
export async function credentialsFinding(
  answer: Answer,
  subject: string,
  question: Question,
  { ask, deadline }: CredentialsParts,
): Promise<readonly Finding[]> {
  if (answer.kind !== 'answered') return [];
  const at = { subject, docs: DOCS.credentials };
  if (question.credentials === null) return [withoutCredentials(answer, at)];
  if (answer.challenged) return [answer.authenticated ? judge(answer, 'OPTIONS', at) : unanswerable(at)];
  if (deadline.passed) return [skipped('credentials', 'There was no time left to ask.', at)];
  const registered = await ask({ ...question, method: 'REGISTER', timeoutMs: deadline.atMost(REGISTER_MS) });
  if (registered.kind !== 'answered' || !registered.challenged) {
    return [skipped('credentials', 'Unknown: the carrier asks for them at a call only, so a call will tell.', at)];
  }
  return [registered.authenticated ? judge(registered, 'REGISTER', at) : unanswerable(at)];
}

type At = { readonly subject: string; readonly docs: string };
type Answered = Extract<Answer, { kind: 'answered' }>;

function withoutCredentials(answer: Answered, at: At): Finding {
  if (!answer.challenged) return skipped('credentials', 'The trunk has none, and the carrier asked for none.', at);
  return warning(
    'credentials',
    `The carrier asks for credentials (${answer.status} ${answer.reason}), and the trunk has none.`,
    advise(ADVICE.trunkSettings, 'Enter the SIP username and password of your provider, or have it allow our address.'),
    at,
  );
}

function judge({ status, reason }: Answered, method: string, at: At): Finding {
  const seen = `${method} with the credentials was answered ${status} ${reason}.`;
  if (REFUSED.has(status)) {
    return failed(
      'credentials',
      `The carrier refuses the credentials: ${seen}`,
      advise(
        ADVICE.trunkSettings,
        'Enter the SIP username and password once more: they are mostly others than those of your provider’s web site.',
      ),
      at,
    );
  }
  const accepted = method === 'OPTIONS' ? status < 500 && status !== 408 : status < 300;
  return accepted ? ok('credentials', `Accepted: ${seen}`, at) : skipped('credentials', `Unknown: ${seen}`, at);
}

function unanswerable(at: At): Finding {
  return failed(
    'credentials',
    'The carrier asks for credentials in a way that is not known here: digest with MD5 or SHA-256 and qop auth are.',
    'Ask your provider to allow one of these, or to allow our address instead.',
    at,
  );
}
